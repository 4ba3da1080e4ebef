"""A folder on its way to the Hugging Face hub."""

from pathlib import Path

from models.errors import DataError

# What an export may hold: of an older version nothing is left between the files of a newer one.
OURS = ["data/*", "model/*", "onnx/*", "prompts.jsonl"]


def push_dataset(folder: Path, repository: str, message: str) -> str:
    """Puts a folder into the dataset repository "owner/name" as one commit, and gives its address.

    A repository that is not there yet is made, a private one. The key is `HF_TOKEN`'s or that of `hf auth login`, the
    server `HF_ENDPOINT`'s. Raises DataError.
    """
    from httpx import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import OfflineModeIsEnabled

    api = HfApi(library_name="labelloop")
    try:
        api.create_repo(repository, repo_type="dataset", private=True, exist_ok=True)
        done = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            repo_type="dataset",
            commit_message=message,
            delete_patterns=OURS,
        )
        return str(done.commit_url)
    except (HTTPError, OfflineModeIsEnabled, OSError, ValueError) as error:
        raise DataError(
            f"{folder} is written, but the hub did not take it as '{repository}': {' '.join(str(error).split())}. "
            f"Once that is mended: hf upload {repository} {folder} --repo-type dataset"
        ) from error
