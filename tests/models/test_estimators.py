"""What scikit-learn asks of an estimator, as far as one of texts can be asked."""

from collections.abc import Callable

import pytest
from fakes import TASK, TableEncoder
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator

from models.classifier import TextClassifier
from models.llm import ScriptedLLM
from models.llm_classifier import LLMClassifier

# `check_estimator` leaves an estimator of texts alone but for cloning it; of its other checks, those without numbers.
CHECKS = [
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_estimators_unfitted,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_mixin_order,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_set_params,
    estimator_checks.check_valid_tag_types,
]
ESTIMATORS = {
    "TextClassifier": TextClassifier(TableEncoder({"west": [-1, 0]})),
    "LLMClassifier": LLMClassifier(ScriptedLLM(lambda request: [1.0] * len(request.choices)), TASK),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_check_estimator(name: str) -> None:
    check_estimator(ESTIMATORS[name])


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_checks_that_need_no_numbers(name: str, check: Callable[[str, BaseEstimator], None]) -> None:
    if (name, check) == ("LLMClassifier", estimator_checks.check_parameters_default_constructible):
        pytest.skip("its packaged prompts are a default that is no plain value")
    check(name, ESTIMATORS[name])
