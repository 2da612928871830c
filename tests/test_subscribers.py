"""Subscribers: double opt-in, tokens, leaving, one's data, suppression."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet import reader_tokens, subscribers
from broadsheet.errors import UserError
from broadsheet.filter_words import as_query, from_query
from broadsheet.filters import Filter
from broadsheet.store import Store
from builders import rows
from readers import CONSENT, add_reader, at

ROBOTS = Filter(tags=("robotics",))
START = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(at(tmp_path)) as made:
        yield made


def ask(store: Store, address: str = "ann@example.org", after: timedelta = timedelta()) -> str:
    asked = subscribers.subscribe(store, address, "daily", ROBOTS, "weekly", now=lambda: START + after)
    assert asked is not None
    return asked.token


def reader_token(store: Store, address: str = "ann@example.org") -> str:
    (each,) = store.subscribers.find(subscribers.address_hash(address))
    with store.transaction():
        return reader_tokens.new_token(store, each.id, "reader", now=lambda: START)


def test_only_who_confirms_is_subscribed_with_what_was_asked_for(store: Store) -> None:
    token = ask(store)
    assert [each.state for each in store.subscribers.each()] == ["pending"]
    assert store.deliveries.filters_due("daily", "2026-W02", "weekly") == []
    confirmed = subscribers.confirm(store, token, now=lambda: START)
    assert confirmed is not None
    assert (confirmed.state, confirmed.filter, confirmed.rhythm) == ("confirmed", ROBOTS, "weekly")
    assert confirmed.consent["how"] == "double opt-in"
    assert subscribers.confirm(store, token, now=lambda: START) == confirmed


def test_a_token_has_192_random_bits_and_only_its_hash_is_in_the_database(
    store: Store, tmp_path: Path
) -> None:
    tokens = {reader_tokens.random_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {reader_tokens.TOKEN_LENGTH}
    token = ask(store)
    subscribers.confirm(store, token, now=lambda: START)
    token_of_a_mail = reader_token(store)
    files = b"".join(path.read_bytes() for path in tmp_path.glob("cache.db*"))
    assert token.encode() not in files
    assert token_of_a_mail.encode() not in files


def test_a_confirmation_expires_after_48_hours(store: Store) -> None:
    token = ask(store)
    just_before, after = START + timedelta(hours=47, minutes=59), START + timedelta(hours=48)
    assert subscribers.awaiting(store, token, now=lambda: just_before)
    assert subscribers.confirm(store, token, now=lambda: after) is None
    assert subscribers.confirm(store, token, now=lambda: just_before)


def test_looking_at_a_link_changes_nothing(store: Store) -> None:
    token = ask(store)
    subscribers.awaiting(store, token, now=lambda: START)
    assert [each.state for each in store.subscribers.each()] == ["pending"]
    subscribers.confirm(store, token, now=lambda: START)
    mailed = reader_token(store)
    subscribers.reader(store, mailed, now=lambda: START)
    assert [each.state for each in store.subscribers.each()] == ["confirmed"]


def test_a_stranger_cannot_change_a_subscription_by_asking_for_it_again(store: Store) -> None:
    add_reader(store, "ann@example.org", Filter(tags=("language",)))
    ask(store)
    (kept,) = store.subscribers.each()
    assert (kept.state, kept.filter) == ("confirmed", Filter(tags=("language",)))


def test_an_address_is_mailed_one_confirmation_in_a_quarter_of_an_hour(store: Store) -> None:
    ask(store)
    again = subscribers.subscribe(store, "ANN@example.org", "daily", ROBOTS, now=lambda: START)
    assert again is None
    assert ask(store, after=timedelta(minutes=16))


@pytest.mark.parametrize("token", ["", "x", "ü", "a" * 10_000, "\0", "' OR 1=1 --", "\ud800"])
def test_a_wrong_token_does_nothing(store: Store, token: str) -> None:
    add_reader(store, "ann@example.org")
    assert subscribers.confirm(store, token) is None
    assert subscribers.reader(store, token) is None
    assert not subscribers.unsubscribe(store, token)
    assert subscribers.change(store, token, rhythm="weekly") is None


def test_a_token_for_one_purpose_does_not_serve_another(store: Store) -> None:
    token = ask(store)
    assert not subscribers.unsubscribe(store, token, now=lambda: START)
    subscribers.confirm(store, token, now=lambda: START)
    assert subscribers.confirm(store, reader_token(store), now=lambda: START) is None


def test_who_leaves_twice_has_left_and_may_come_back(store: Store) -> None:
    add_reader(store, "ann@example.org")
    token = reader_token(store)
    assert subscribers.unsubscribe(store, token, now=lambda: START)
    assert subscribers.unsubscribe(store, token, now=lambda: START)
    assert [each.state for each in store.subscribers.each()] == ["unsubscribed"]
    assert subscribers.change(store, token, rhythm="weekly", now=lambda: START) is None
    assert subscribers.confirm(store, ask(store), now=lambda: START)
    assert [each.state for each in store.subscribers.each()] == ["confirmed"]


def test_an_old_confirmation_does_not_bring_back_who_has_left(store: Store) -> None:
    token = ask(store)
    subscribers.confirm(store, token, now=lambda: START)
    subscribers.unsubscribe(store, reader_token(store), now=lambda: START)
    assert subscribers.confirm(store, token, now=lambda: START) is None


def test_a_reader_changes_filter_and_rhythm_with_the_token_of_a_mail(store: Store) -> None:
    add_reader(store, "ann@example.org")
    changed = subscribers.change(
        store, reader_token(store), where=ROBOTS, rhythm="monthly", now=lambda: START
    )
    assert changed is not None
    assert (changed.filter, changed.rhythm) == (ROBOTS, "monthly")


def test_erasing_leaves_a_hash_that_keeps_imports_away_and_the_reader_may_return(
    store: Store, tmp_path: Path
) -> None:
    add_reader(store, "ann@example.org")
    assert subscribers.erase(store, "Ann@Example.org") == 1
    assert subscribers.all_about(store, "ann@example.org") == []
    assert rows(store, "SELECT count(*) FROM subscribers") == [(0,)]
    with store.transaction():
        assert subscribers.add_with_consent(store, "ann@example.org", "daily", ROBOTS, "daily", CONSENT) == (
            "suppressed"
        )
    assert subscribers.confirm(store, ask(store), now=lambda: START)


def test_a_suppressed_address_is_sent_nothing_and_cannot_subscribe(store: Store) -> None:
    add_reader(store, "ann@example.org")
    subscribers.suppress(store, "ann@example.org", "complaint")
    assert [each.state for each in store.subscribers.each()] == ["suppressed"]
    assert subscribers.subscribe(store, "ann@example.org", "daily", ROBOTS) is None
    assert subscribers.allow(store, "ann@example.org")
    assert subscribers.subscribe(store, "ann@example.org", "daily", ROBOTS) is not None


def test_ones_data_are_whole_and_have_no_token(store: Store) -> None:
    add_reader(store, "ann@example.org", ROBOTS)
    (found,) = subscribers.all_about(store, "ann@example.org")
    assert found["address"] == "ann@example.org"
    assert found["filter"] == {"tags": ["robotics"]}
    assert found["consent"] == CONSENT
    assert {"deliveries", "bounces"} <= found.keys()


@pytest.mark.parametrize(
    "address",
    ["", "ann", "ann@", "@example.org", "a@b@example.org", "ann@example.org\r\nBcc: bob@example.org",
     "ann@example.org, bob@example.org", "<ann@example.org>", "änn@example.org", '"a b"@example.org'],
)  # fmt: skip
def test_what_is_no_address_is_refused(store: Store, address: str) -> None:
    with pytest.raises(UserError):
        subscribers.subscribe(store, address, "daily", ROBOTS)
    assert list(store.subscribers.each()) == []


def test_the_domain_of_an_address_may_have_letters_beyond_ascii() -> None:
    assert subscribers.address_of("ann@bücher.example.org") == "ann@xn--bcher-kva.example.org"


def test_consent_without_how_or_when_is_none(store: Store) -> None:
    for consent in ({"how": "", "when": "2026-01-02"}, {"how": "form"}, {"how": "form", "when": "lately"}):
        with pytest.raises(UserError), store.transaction():
            subscribers.add_with_consent(store, "ann@example.org", "daily", ROBOTS, "daily", consent)


def test_who_never_confirms_is_forgotten(store: Store) -> None:
    ask(store)
    with store.transaction():
        store.subscribers.drop_expired((START + timedelta(hours=49)).isoformat())
    assert list(store.subscribers.each()) == []


FILTERS = st.builds(
    Filter,
    tags=st.lists(st.text(min_size=1), max_size=3).map(tuple),
    match=st.sampled_from(["any", "all"]),
    without=st.lists(st.text(min_size=1), max_size=2).map(tuple),
    code=st.sampled_from([None, "available", "none"]),
    repository=st.sampled_from([None, True, False]),
    since=st.one_of(st.none(), st.dates()),
    fields=st.lists(
        st.tuples(st.text(min_size=1).filter(lambda text: "=" not in text), st.text()), max_size=2
    ).map(tuple),
    search=st.text(),
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(FILTERS)
def test_a_filter_written_as_a_query_is_read_as_itself(where: Filter) -> None:
    assert from_query(as_query(where)) == where


@pytest.mark.parametrize("query", ["tags=x", "colour=red", "match=some", "since=yesterday"])
def test_a_query_that_no_filter_knows_is_refused_in_one_sentence(query: str) -> None:
    with pytest.raises(UserError) as caught:
        from_query(query)
    assert "\n" not in str(caught.value)
