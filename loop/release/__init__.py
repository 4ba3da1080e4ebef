"""What is given away of a run: the dataset with where each row comes from, the model, and their cards."""
