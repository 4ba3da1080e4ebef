"""The sections of a configuration: what each key means, what it may be, and what it is where nothing is said."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

from connectors.named_datasets import STUDIO

Training = Literal["frozen", "contrastive", "full"]
Split = Literal["fixed", "measured"]
Mode = Literal["clear", "border", "paraphrase", "counterfactual"]
Shown = Literal["nearest", "diverse", "informative"]
Labelling = Literal["direct", "reasoned", "reviewed"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def is_server(model: str) -> bool:
    """Whether an LLM is named by the address of the server that it stands behind."""
    return model.startswith(("http://", "https://"))


class TaskSection(Section):
    """What is being labelled."""

    description: str = Field(min_length=1, description="One sentence, told to the LLM and to the annotators.")
    language: str = Field("en", description="Language of the texts, as an ISO 639-1 code.")
    guideline: Path | None = Field(None, description="A file, plain text or Markdown, shown to the annotators.")
    multi_label: bool = Field(
        False,
        description="A text may be of several classes, written with ; between them, or of none.",
    )


class DataSection(Section):
    """Where the texts are. Each is a CSV, TSV, JSON lines or Parquet file, a directory of such files, a dataset on the
    hub ("hf:owner/name:split") or "sklearn:fetch_20newsgroups"."""

    pool: Path = Field(
        description='Unlabelled texts; labels that stand there are not looked at. "studio:TITLE" is a project in Label '
        "Studio, at annotation.url, that people have worked in: what they said is where the run starts, and counts in "
        "run.labels; the project itself is only read, once."
    )
    text: str = Field("text", description="Column that holds the text, in every file.")
    label: str = Field(
        "label", description="Column that holds the label, in seed and holdout; of a project, the control to read."
    )
    seed: Path | None = Field(
        None, description="Labelled texts to start from; where it is the pool itself, its rows that have a label."
    )
    holdout: Path | None = Field(None, description="Labelled texts that only measure.")
    holdout_size: int = Field(
        200,
        ge=20,
        description="Without a holdout file: texts drawn at random from the pool and labelled first.",
    )
    set_aside: int = Field(
        0,
        ge=0,
        description="Without a holdout file: pool texts that nobody labels and nothing learns from; what the "
        "classifier expects of them narrows the interval of accuracy.",
    )

    def project(self) -> str | None:
        """The title of the project in Label Studio that is the pool, None where it is none."""
        pool = str(self.pool)
        return pool.removeprefix(STUDIO).strip() if pool.startswith(STUDIO) else None


class LearnerSection(Section):
    """What learns."""

    encoder: str = Field(
        "auto",
        description='"packaged" (all-MiniLM-L6-v2), "korean" (meanings of morphemes, by Kiwi), "char-ngram", a '
        'directory or a hub id; "auto" takes the first for Latin script, the second for Hangul, the third for others.',
    )
    training: Training = Field(
        "frozen",
        description='"frozen" trains a head on the encoder as it is, "contrastive" first the encoder on the labels, '
        '"full" both at once.',
    )
    lora_rank: int = Field(
        0,
        ge=0,
        description="Rank of adapters (LoRA) that contrastive training goes through; 0 for none.",
    )
    strategy: str = Field(
        "auto",
        description="A query strategy by name, or package.module:function with modAL's signature.",
    )
    start: str = Field(
        "k-means",
        description='How the first batch is drawn: "k-means", "random", "typiclust", "probcover" or "coreset".',
    )
    goal: Literal["accuracy", "macro-f1"] = Field(
        "accuracy",
        description="What machine sources must bring to be learned from, on human labels that were held out: more of "
        'them right, or, with "macro-f1", more of each class alike, however rare it is.',
    )
    unlabelled: int = Field(
        2000, ge=0, description="Pool texts whose own answers the classifier learns from too; 0 for none."
    )
    cleansing: bool = Field(
        True,
        description="Whether labels that look wrong weigh less, where that brings a self-trained frozen classifier "
        "nearer to labels that it has not seen.",
    )
    shortlist: int = Field(
        2000,
        ge=50,
        description="Pool texts, most uncertain to the frozen encoder, that each round looks at closely.",
    )


class Checker(Section):
    """An LLM that only checks another's labels: where it is, as in [llm]."""

    model: str = Field(description="As llm.model.")
    served_model: str = Field("", description="As llm.served_model.")
    key_env: str = Field("", description="Environment variable that holds its server's key; empty where it has none.")


class LLMSection(Section):
    """What writes and suggests."""

    model: str = Field(
        "none",
        description='"none", "bundled", a GGUF file, a directory, a hub id, or the http address of a server.',
    )
    served_model: str = Field("", description="Model name to ask a server for; empty takes its first.")
    key_env: str = Field("OPENAI_API_KEY", description="Environment variable that holds the server's key.")
    concurrency: int = Field(8, ge=1, description="Requests in flight at once, for a server.")
    timeout: float = Field(120.0, gt=0, description="Seconds to wait for one answer of a server.")
    start: int = Field(
        100, ge=0, description="Real pool texts that the LLM labels before the first round and no human sees."
    )
    texts: int = Field(20, ge=0, description="Texts to write per round, and before the first.")
    labels: int = Field(20, ge=0, description="Real pool texts per round that the LLM labels and no human sees.")
    split: Split = Field(
        "fixed",
        description="How a round is shared out between texts and labels: as they say, or, their sum kept, by what each "
        "was worth for its tokens.",
    )
    verify: int = Field(4, ge=0, description="Written texts per round that a human judges, within the batch.")
    prompts: Path | None = Field(
        None, description="Folder with edited copies of prompt files, as 'labelloop prompts' writes them."
    )
    modes: tuple[Mode, ...] = Field(
        ("clear", "border"),
        min_length=1,
        description="Ways to write, in turn: a new text that is plainly of its class, one at the border of two "
        "classes, a real one in other words, or a real one changed as little as gives it another class.",
    )
    attributes: Literal["packaged", "proposed"] = Field(
        "packaged", description='Ways in which written texts are to differ; "proposed" asks the LLM for them once.'
    )
    neighbours: int = Field(2, ge=0, description="Labelled texts of either class that a writing prompt shows.")
    shown: Shown = Field(
        "nearest",
        description="Which: the nearest to the region, diverse ones among the near, or those that help most to "
        "classify the other labelled texts.",
    )
    per_call: int = Field(1, ge=1, le=20, description="Texts to write in one answer.")
    rationale: bool = Field(
        False, description="Have the LLM say first what makes a text belong to its class; costs tokens."
    )
    labelling: Labelling = Field(
        "direct",
        description="How texts are labelled: by the probability of each class; by votes after a reason each; or so, "
        "and again with the reasons in view where the votes are divided.",
    )
    crosscheck: tuple[Checker, ...] = Field(
        (),
        description="Further LLMs that label too: where they disagree, none is sure. Each is a table with a model, and "
        "as it needs them, served_model and key_env; no server is sent another's key.",
    )
    abstain_below: float = Field(
        0.0, ge=0, lt=1, description="Calibrated probability under which the LLM's label of a text is no label."
    )
    examples: int = Field(0, ge=0, description="Labelled texts, the nearest, that a labelling prompt shows.")
    off_region: bool = Field(
        False,
        description="Reject written texts that land in another region of low confidence than they were meant for.",
    )
    temperature: float = Field(0.8, ge=0, le=2, description="How freely texts are written.")
    max_tokens: int = Field(160, ge=16, description="Tokens that a written text may take.")


class AnnotationSection(Section):
    """Who judges."""

    url: str = Field("http://127.0.0.1:8080", description="Address of the Label Studio server.")
    key_env: str = Field("LABEL_STUDIO_API_KEY", description="Environment variable that holds its key.")
    ca_file: Path | None = Field(
        None,
        description="Certificate (PEM) to trust where the server's is signed by yourselves; instead of the system's.",
    )
    project: str = Field(min_length=3, description="Title of the project, made or adopted; one run writes to it.")
    poll_seconds: float = Field(5.0, gt=0, description="How often to look for verdicts.")
    rechecks: int = Field(
        0, ge=0, description="Labels per round that look wrong and go back to a human once, within the batch."
    )
    overlap: int = Field(1, ge=1, description="People who judge a shared task, each on their own; 1 for no sharing.")
    overlap_share: float = Field(0.1, ge=0, le=1, description="Share of the tasks that so many people judge.")
    llm_votes: bool = Field(
        False,
        description="The LLM is one more, noisy annotator of the texts that several people judge without seeing its "
        "label; never of the holdout.",
    )
    adjudicator: str = Field(
        "",
        description="E-mail address of who settles what people disagree on, in a project of their own; without one it "
        "goes to a person who has not judged the text.",
    )
    show_provenance: bool = Field(True, description="Tell annotators whether a text is real or written by the LLM.")
    show_confidence: bool = Field(True, description="Tell annotators how sure the machine is of its suggestion.")
    names: bool = Field(False, description="Name the annotators where it is said how far they agree.")
    blind_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of a round's texts shown without a suggestion; with accept_above, also the share of the "
        "texts drawn for the LLM that a human judges too, to audit it.",
    )
    accept_above: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Accept the LLM's labels of a class unseen where the audit shows that at least this share of them "
        "is right, such as 0.95; 0 for never.",
    )


class RunSection(Section):
    """How far, and where it is kept."""

    directory: Path = Field(description="Where the run lives.")
    seed: int = Field(0, ge=0, description="All randomness comes from it.")
    start: int = Field(20, ge=2, description="Human labels of the first batch, where no seed file is given.")
    batch: int = Field(20, ge=2, description="Human labels per round.")
    labels: int = Field(200, ge=2, description="Human labels in all, the holdout's not counted; the run ends there.")
    stop: bool = Field(
        False,
        description="End before that, once the classifier's answers on the pool no longer change from round to round.",
    )


class BudgetSection(Section):
    """What may be spent, and what things cost; money is in whatever currency you count in."""

    tokens: int = Field(0, ge=0, description="Tokens that the LLM may read and write in all; 0 for no cap.")
    money: float = Field(0.0, ge=0, description="What the LLM may cost in all; 0 for no cap.")
    llm_seconds: float = Field(
        0.0,
        ge=0,
        description="Seconds that the LLM's answers may take in all, added up; 0 for no cap. Once they are spent "
        "nothing more is sent; what is under way is waited for.",
    )
    minutes: float = Field(
        0.0,
        ge=0,
        description="Minutes of people's time in all; 0 for no cap. Those for the holdout and the first batch, and "
        "in a project that the run starts from, count; rounds ask for what is left at the speed so far.",
    )
    price_in: float = Field(0.0, ge=0, description="Price of a million tokens that the LLM reads.")
    price_out: float = Field(0.0, ge=0, description="Price of a million tokens that the LLM writes.")
    prices: dict[str, tuple[NonNegativeFloat, NonNegativeFloat]] = Field(
        default_factory=dict,
        description='Prices of single models where several are asked, by the name at their server: "NAME" = [in, out].',
    )
    hourly_wage: float = Field(0.0, ge=0, description="What an hour of an annotator costs; only reported.")


class TrackingSection(Section):
    """Where the figures of each round go besides the run's own store; nowhere by default."""

    to: str = Field(
        "",
        description='"mlflow:DIRECTORY", "mlflow:" with an address as MLflow writes them, or package.module:function, '
        "called with the run's name, the round and its figures by name.",
    )
