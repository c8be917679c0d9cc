from ganzoo.testing import check_component


def test_softhinge() -> None:
    check_component("softhinge")
