<?php

declare(strict_types=1);

use OneclickSla\{Outbox, Schema};

$prepared = static function (): void {
    Helpdesk::build();
    start();
    Schema::ensure();
};
$event = static fn (int $ticket = 1): array => [
    'type' => 'ticket.updated', 'ticket_id' => $ticket, 'actor' => 'agent', 'changes' => ['status_id'], 'entry_ids' => [],
];

return [
    'a row is due at once, and not any more after it was taken' => static function () use ($prepared, $event): void {
        $prepared();
        Outbox::add($event(), 1000, true);
        $due = Outbox::due(1000, 10);
        same(1, count($due));
        Outbox::delivered($due[0]['id'], 1001);
        same([], Outbox::due(5000, 10));
        same('1970-01-01T00:16:41Z', Outbox::summary(2000)['last_delivered_at']);
    },
    'after failures a row waits 30 s, doubled each time, at most an hour, and is given up after twelve' => static function () use ($prepared, $event): void {
        $prepared();
        Outbox::add($event(), 1000, true);
        $waits = [];
        for ($attempts = 0; $attempts < 12; $attempts++) {
            Outbox::failed(1, $attempts, 'timeout', 1000);
            $next = Helpdesk::one('SELECT next_at FROM ost_oneclick_sla_outbox');
            $waits[] = $next === null ? null : (int) $next - 1000;
        }
        same([30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600, null], $waits);
        $summary = Outbox::summary(2000);
        same([0, 1, 'timeout'], [$summary['waiting'], $summary['given_up'], $summary['last_error']]);
    },
    'a failure pauses delivery as a whole for 30 s' => static function () use ($prepared, $event): void {
        $prepared();
        Outbox::add($event(), 1000, true);
        same(false, Outbox::isPaused(1000));
        Outbox::failed(1, 0, 'connect', 1000);
        same([true, false], [Outbox::isPaused(1029), Outbox::isPaused(1030)]);
    },
    'while nothing is to be sent, rows are kept for being fetched and are never due' => static function () use ($prepared, $event): void {
        $prepared();
        Outbox::add($event(), 1000, false);
        same([], Outbox::due(9000, 10));
        same(1, count(Outbox::after(0, 10, 9000)['events']));
    },
    'events are fetched in order, page by page, with nothing left out' => static function () use ($prepared, $event): void {
        $prepared();
        foreach (range(1, 5) as $ticket) {
            Outbox::add($event($ticket), 1000, true);
        }
        $seen = [];
        $after = 0;
        do {
            $page = Outbox::after($after, 2, 2000);
            $seen = [...$seen, ...array_map(static fn (array $found): int => $found['data']['ticket_id'], $page['events'])];
            $after = $page['next_after'];
        } while ($page['more']);
        same([1, 2, 3, 4, 5], $seen);
        same(['events' => [], 'next_after' => 5, 'more' => false, 'gap' => false], Outbox::after(5, 2, 2000));
    },
    'a row of the last two seconds is not handed out yet' => static function () use ($prepared, $event): void {
        $prepared();
        Outbox::add($event(), 1000, true);
        same([], Outbox::after(0, 10, 1001)['events']);
        same(1, count(Outbox::after(0, 10, 1002)['events']));
    },
    'who comes after rows were purged is told of the gap' => static function () use ($prepared, $event): void {
        $prepared();
        foreach ([1000, 1000, 2_000_000] as $at) {
            Outbox::add($event(), $at, true);
        }
        Outbox::purge(2_000_000);
        same(true, Outbox::after(1, 10, 3_000_000)['gap']);
        same(false, Outbox::after(2, 10, 3_000_000)['gap']);
        same(false, Outbox::after(0, 10, 3_000_000)['gap'], 'who begins misses nothing');
    },
    'rows are purged after two weeks' => static function () use ($prepared, $event): void {
        $prepared();
        Outbox::add($event(), 0, true);
        Outbox::purge(14 * 86400);
        same(1, Outbox::summary(0)['size']);
        Outbox::purge(14 * 86400 + 1);
        same(0, Outbox::summary(0)['size']);
    },
    'a table that is missing is made' => static function () use ($event): void {
        Helpdesk::build();
        start();
        Outbox::add($event(), 1000, true);
        same(1, Outbox::summary(1000)['size']);
    },
];
