"""Who there is on the simulated account: its users and organisations, and the ids that nothing else has."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from oneclick_sla_plugin.ports import Clock
from oneclick_sla_zendesk.simulator.errors import record_not_found
from oneclick_sla_zendesk.simulator.records import Organization, User


class Directory:
    """Users and organisations under :attr:`lock`, which is the lock of the whole account."""

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self._last_id = 360_000
        self._users: dict[int, User] = {}
        self._users_by_email: dict[str, User] = {}
        self._organizations: dict[int, Organization] = {}

    def add_user(self, user_id: int | None, name: str, email: str, role: str) -> User:
        with self.lock:
            now = self._now()
            user = User(user_id or self.new_id(), name, email, role, now, now)
            self._users[user.id] = self._users_by_email[email] = user
            return user

    def user(self, user_id: int) -> User:
        """``RefusalError`` (404) when there is none."""
        with self.lock:
            if user_id not in self._users:
                raise record_not_found()
            return self._users[user_id]

    def users(self, user_ids: Iterable[int]) -> list[User]:
        """Those that exist."""
        with self.lock:
            return [self._users[user_id] for user_id in user_ids if user_id in self._users]

    def all_users(self) -> list[User]:
        """By their id."""
        with self.lock:
            return sorted(self._users.values(), key=lambda user: user.id)

    def requester(self, name: str, email: str) -> User:
        """The user with this address, made when there is none."""
        with self.lock:
            return self._users_by_email.get(email) or self.add_user(None, name or email, email, "end-user")

    def change_user(self, user_id: int, **attributes: Any) -> User:
        """``attributes`` are those of :class:`User`. ``RefusalError`` (404) when there is none."""
        with self.lock:
            user = replace(self.user(user_id), **attributes, updated_at=self._now())
            self._users[user.id] = self._users_by_email[user.email] = user
            return user

    def add_organization(self, name: str, tags: Iterable[str]) -> Organization:
        with self.lock:
            organization = Organization(self.new_id(), name, frozenset(tags), self._now())
            self._organizations[organization.id] = organization
            return organization

    def organizations(self, organization_ids: Iterable[int]) -> list[Organization]:
        """Those that exist."""
        with self.lock:
            return [self._organizations[each] for each in organization_ids if each in self._organizations]

    def new_id(self, count: int = 1) -> int:
        """The first of ``count`` ids that nothing else has."""
        first = self._last_id + 1
        self._last_id += count
        return first

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)
