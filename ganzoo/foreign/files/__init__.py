"""Weight files of others' code: told apart by their content, and read without running anything of them."""
