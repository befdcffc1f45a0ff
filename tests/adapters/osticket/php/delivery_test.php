<?php

declare(strict_types=1);

use OneclickSla\{Connection, Delivery, Outbox, Register, Schema};

/** Two events for a receiver that takes connections and says nothing. */
$prepared = static function (): array {
    $server = stream_socket_server('tcp://127.0.0.1:0');
    Helpdesk::build();
    start(['url' => 'http://' . stream_socket_get_name($server, false) . '/hook', 'delivery' => true]);
    Schema::ensure();
    foreach ([1, 2] as $ticket) {
        $event = ['type' => 'ticket.updated', 'ticket_id' => $ticket, 'actor' => 'agent', 'changes' => [], 'entry_ids' => []];
        Outbox::add($event, time(), true);
    }
    return [$server, static fn (): int => Delivery::drain(Connection::settings(), 10, 1.0, 0.2, 0.05)];
};
$attempts = static fn (): array => array_map(
    'intval',
    DoubleDatabase::pdo()->query('SELECT attempts FROM ost_oneclick_sla_outbox ORDER BY id')->fetchAll(PDO::FETCH_COLUMN),
);

return [
    'the first failure ends a drain, and the next ones wait until the pause is over' => static function () use ($prepared, $attempts): void {
        [$server, $drain] = $prepared();
        same(0, $drain());
        same([1, 0], $attempts());
        $drain();
        same([1, 0], $attempts(), 'paused');
        Register::set('paused_until', '0');
        $drain();
        same([1, 1], $attempts(), 'the next row, since the first one waits');
    },
    'two drainers do not meet' => static function () use ($prepared, $attempts): void {
        [$server, $drain] = $prepared();
        DoubleDatabase::$foreignLocks['osticket.oneclick_sla_delivery'] = true;
        $drain();
        same([0, 0], $attempts());
    },
];
