"""The classifiers that peers learn with on embeddings."""

from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold

STRENGTHS = (1, 10, 100)


def heads(seed: int) -> dict[str, Any]:
    """By what an arm's name ends with: logistic regression as the documentation has it, at ten times that strength, as
    unit vectors want it, and at the strength that cross-validation on the labels so far prefers. Its folds are not
    stratified: most classes may have one label."""
    plain, strong = LogisticRegression(max_iter=1000), LogisticRegression(C=10, max_iter=1000)
    folds = KFold(5, shuffle=True, random_state=seed)
    return {"": plain, ", C=10": strong, ", tuned": GridSearchCV(plain, {"C": STRENGTHS}, cv=folds)}
