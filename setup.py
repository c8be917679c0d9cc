"""What pyproject.toml cannot say: the models of ``model_cards/`` are installed as the package ``ganzoo_models``."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["ganzoo", "ganzoo.*"]), "ganzoo_models"],
    package_dir={"ganzoo_models": "model_cards"},
)
