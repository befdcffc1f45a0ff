"""The sender of webhooks: order, retries and injected faults."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from flask import Response, request

from oneclick_sla_plugin.ports import Request
from oneclick_sla_plugin.testing.deliveries import Delivery, Outcome, WebhookSender
from oneclick_sla_plugin.testing.server import LoopbackServer

LONG = timedelta(seconds=30)
INSTANTLY = timedelta(0)


class Receiver:
    """Answers with ``answer`` and remembers the bodies it got."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.answer: Callable[[str], Response] = lambda _body: Response(status=200)
        self.server = LoopbackServer("receiver")
        self.server.app.add_url_rule("/hook", view_func=self._receive, methods=["POST"])
        self.server.start()

    def _receive(self) -> Response:
        body = request.get_data(as_text=True)
        self.bodies.append(body)
        return self.answer(body)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.close()


@pytest.fixture
def sender() -> Iterator[WebhookSender]:
    sender = WebhookSender(timeout=LONG)
    yield sender
    sender.close()


def delivery(
    base_url: str,
    text: str,
    *,
    retries: int = 0,
    wait: timedelta = INSTANTLY,
    reported: list[tuple[Outcome, ...]] | None = None,
) -> Delivery:
    def retry(outcomes: Sequence[Outcome]) -> timedelta | None:
        return wait if len(outcomes) <= retries and outcomes[-1].status != 200 else None

    return Delivery(
        base_url,
        lambda: Request("POST", "/hook", "deliver", body=text.encode()),
        retry,
        lambda outcomes: None if reported is None else reported.append(tuple(outcomes)),
    )


def test_deliveries_of_a_lane_arrive_in_order(sender: WebhookSender, receiver: Receiver) -> None:
    """Without faults, one lane keeps the order in which it was given the deliveries."""
    texts = [str(number) for number in range(20)]
    sender.submit("one", [delivery(receiver.server.base_url, text) for text in texts])
    assert sender.wait_delivered(LONG)
    assert receiver.bodies == texts


def test_an_attempt_is_repeated_as_the_rule_says(sender: WebhookSender, receiver: Receiver) -> None:
    """The rule sees each outcome, with the receiver's wish; what it refuses to repeat ends there."""
    answers = iter([Response(status=503, headers={"Retry-After": "20"}), Response(status=409), Response(status=500)])
    receiver.answer = lambda _body: next(answers)
    reported: list[tuple[Outcome, ...]] = []
    sender.submit("one", [delivery(receiver.server.base_url, "a", retries=2, reported=reported)])
    assert sender.wait_delivered(LONG)
    assert receiver.bodies == ["a", "a", "a"]
    assert reported[-1] == (Outcome(503, retry_after=timedelta(seconds=20)), Outcome(409), Outcome(500))


def test_a_delivery_that_waits_is_overtaken(sender: WebhookSender, receiver: Receiver) -> None:
    """A delivery between two attempts does not hold up those behind it."""
    later = threading.Event()

    def answer(body: str) -> Response:
        if body == "late":
            later.set()
        return Response(status=200 if later.is_set() else 503)

    receiver.answer = answer
    base_url = receiver.server.base_url
    # The wait is only an upper bound of patience: "late" goes first because "early" is not due yet.
    sender.submit(
        "one", [delivery(base_url, "early", retries=1, wait=timedelta(seconds=1)), delivery(base_url, "late")]
    )
    assert sender.wait_delivered(LONG)
    assert receiver.bodies == ["early", "late", "early"]


def test_lanes_do_not_wait_for_each_other(sender: WebhookSender, receiver: Receiver) -> None:
    """While one receiver keeps its lane waiting, another lane is delivered."""
    free = threading.Event()

    def answer(body: str) -> Response:
        if body == "slow":
            free.wait(LONG.total_seconds())
        else:
            free.set()
        return Response(status=200)

    receiver.answer = answer
    sender.submit("slow lane", [delivery(receiver.server.base_url, "slow")])
    sender.submit("other lane", [delivery(receiver.server.base_url, "quick")])
    assert sender.wait_delivered(LONG)
    assert sorted(receiver.bodies) == ["quick", "slow"]


def test_a_receiver_that_is_too_slow_is_told_from_one_that_is_not_there(receiver: Receiver) -> None:
    """A time-out and a refused connection are different outcomes."""
    free = threading.Event()

    def answer(_body: str) -> Response:
        free.wait(LONG.total_seconds())
        return Response(status=200)

    receiver.answer = answer
    gone = LoopbackServer("gone")
    gone.close()
    reported: list[tuple[Outcome, ...]] = []
    sender = WebhookSender(timeout=timedelta(milliseconds=200))
    try:
        sender.submit(
            "one", [delivery(url, "a", reported=reported) for url in (receiver.server.base_url, gone.base_url)]
        )
        assert sender.wait_delivered(LONG)
    finally:
        free.set()
        sender.close()
    assert reported == [(Outcome(None, timed_out=True),), (Outcome(None, timed_out=False),)]


def test_every_delivery_can_be_doubled(sender: WebhookSender, receiver: Receiver) -> None:
    """With ``duplicate_deliveries`` at 2, everything arrives three times."""
    sender.duplicate_deliveries = 2
    sender.submit("one", [delivery(receiver.server.base_url, text) for text in ("a", "b")])
    assert sender.wait_delivered(LONG)
    assert sorted(receiver.bodies) == ["a", "a", "a", "b", "b", "b"]


def test_deliveries_can_be_lost(sender: WebhookSender, receiver: Receiver) -> None:
    """The next so many deliveries never arrive, and then all do again."""
    sender.drop_deliveries = 2
    sender.submit("one", [delivery(receiver.server.base_url, text) for text in ("a", "b", "c")])
    assert sender.wait_delivered(LONG)
    assert receiver.bodies == ["c"]
    assert sender.drop_deliveries == 0


def test_a_paused_sender_shuffles_what_gathers(sender: WebhookSender, receiver: Receiver) -> None:
    """What waits is sent in another order, all of it and each once."""
    texts = [f"{number:02}" for number in range(20)]
    sender.shuffle = True
    sender.pause()
    for text in texts:
        sender.submit("one", [delivery(receiver.server.base_url, text)])
    assert not sender.wait_delivered(INSTANTLY)
    assert receiver.bodies == []
    sender.resume()
    assert sender.wait_delivered(LONG)
    assert sorted(receiver.bodies) == texts
    assert receiver.bodies != texts


def test_a_closed_sender_takes_nothing(receiver: Receiver) -> None:
    """Closing drops what waits; what is submitted afterwards goes nowhere."""
    sender = WebhookSender(timeout=LONG)
    sender.pause()
    sender.submit("one", [delivery(receiver.server.base_url, "waiting")])
    sender.close()
    sender.submit("one", [delivery(receiver.server.base_url, "late")])
    assert receiver.bodies == []


def test_a_share_of_deliveries_comes_twice(sender: WebhookSender, receiver: Receiver) -> None:
    """By chance, but none is lost; with a rate of one each comes twice."""
    texts = [str(number) for number in range(40)]
    for rate in (0.5, 1.0):
        receiver.bodies.clear()
        sender.duplicate_rate = rate
        sender.submit("one", [delivery(receiver.server.base_url, text) for text in texts])
        assert sender.wait_delivered(LONG)
        assert set(receiver.bodies) == set(texts)
        assert len(receiver.bodies) == 80 if rate == 1 else 40 < len(receiver.bodies) < 80


def test_a_single_try_is_answered_at_once(sender: WebhookSender, receiver: Receiver) -> None:
    """Beside the lanes, paused or not; nobody there is an outcome too."""
    sender.pause()
    request = Request("POST", "/hook", "deliver", body=b"now")
    assert sender.try_once(receiver.server.base_url, request) == Outcome(200)
    receiver.server.close()
    assert sender.try_once(receiver.server.base_url, request) == Outcome(None)
    assert receiver.bodies == ["now"]
