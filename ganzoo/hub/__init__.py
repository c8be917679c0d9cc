"""The Hugging Face Hub: what a reference means, fetching, sending and finding models.

Nothing here imports ``huggingface_hub`` before it is used, and nothing a repository holds is run or unpickled. The
client (``huggingface_hub``) is used as it is: its cache, its token, its Xet transfers.
"""
