"""What can be caused at will is told of once in a while."""

from gitsync.base.seldom import Seldom


def test_once_in_a_while() -> None:
    """The first time counts, the next ones are counted, and each thing by itself."""
    seldom = Seldom(every=3600.0)
    assert [seldom.ask("one"), seldom.ask("one"), seldom.ask("two"), seldom.ask("one")] == [0, None, 0, None]


def test_what_was_not_told_is_counted() -> None:
    """With the next time that it is told of, its number comes along."""
    seldom = Seldom(every=0.0)
    assert [seldom.ask("one"), seldom.ask("one")] == [0, 0]
    seldom._every = 3600.0
    assert [seldom.ask("one"), seldom.ask("one")] == [None, None]
    seldom._every = 0.0
    assert seldom.ask("one") == 2
