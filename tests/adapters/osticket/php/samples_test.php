<?php

/** What a real osTicket answered is believed here, and what the doubles answer has the same shape. */

declare(strict_types=1);

use OneclickSla\{Catalogue, Connection, Health, Order, Outbox, Provision, Schema, Settings, Signature, TicketList, Tickets, Writer};

$samples = [];
foreach (glob(dirname(__DIR__) . '/samples/*.json') as $path) {
    $samples[basename($path, '.json')] = json_decode((string) file_get_contents($path), true, 64, JSON_THROW_ON_ERROR);
}
$answer = static fn (string $name): array => $samples[$name]['response']['body'];
/** The same names and kinds; null may stand for anything, a list is as its first item, and a ticket's fields differ. */
$alike = static function (mixed $sample, mixed $double, string $at = '') use (&$alike): void {
    if ($sample === null || $double === null) {
        return;
    }
    if (!is_array($sample)) {
        same(get_debug_type($sample), get_debug_type($double), $at);
    } elseif (array_is_list($sample)) {
        same(true, is_array($double) && array_is_list($double), "$at is a list");
        isset($sample[0], $double[0]) && $alike($sample[0], $double[0], "{$at}[0]");
    } elseif ($at !== '.fields') {
        same(array_keys($sample), array_keys($double), $at);
        foreach ($sample as $name => $value) {
            $alike($value, $double[$name], "$at.$name");
        }
    }
};
$plain = static fn (array $value): array => json_decode(json_encode($value), true);
$prepared = static function (): void {
    Helpdesk::build();
    start(['url' => 'http://127.0.0.1:8097/hook', 'delivery' => true]);
    Schema::ensure();
    Provision::follow(Settings::OBJECTS);
    Helpdesk::ticket();
};
$keys = Signature::keys(SECRET);

return [
    'every recorded request is believed at its time, but for those that were refused' => static function () use ($samples, $keys): void {
        foreach ($samples as $name => $sample) {
            if (!isset($sample['request']) || in_array($name, ['error_unsigned', 'error_signature', 'error_size'], true)) {
                continue;
            }
            ['method' => $method, 'target' => $target, 'headers' => $headers, 'body' => $body] = $sample['request'];
            ['Oneclick-Sla-Timestamp' => $stamp, 'Oneclick-Sla-Signature' => $signature] = $headers;
            Signature::verifyRequest($keys, $method, $target, $stamp, $signature, (string) $body, (int) $stamp);
        }
    },
    'every recorded event carries the signature that we make' => static function () use ($samples, $keys): void {
        $events = array_filter($samples, static fn (string $name): bool => str_starts_with($name, 'event_'), ARRAY_FILTER_USE_KEY);
        same(7, count($events));
        foreach ($events as ['headers' => $headers, 'body' => $body]) {
            same($headers['webhook-signature'], Signature::ofEvent($keys, $headers['webhook-id'], (int) $headers['webhook-timestamp'], $body));
        }
    },
    'recorded orders are read, and refused, as the real one did' => static function () use ($samples): void {
        foreach (['changes', 'changes_reply', 'changes_nothing'] as $name) {
            Order::read($samples[$name]['request']['body']);
        }
        foreach (['changes_invalid_shape', 'error_json'] as $name) {
            $refusal = refusal(static fn () => Order::read($samples[$name]['request']['body']));
            ['status' => $status, 'body' => $body] = $samples[$name]['response'];
            same([$status, $body], [$refusal->status, ['error' => $refusal->reason] + $refusal->facts], $name);
        }
    },
    'the recorded changes do the same to a double' => static function () use ($prepared, $samples, $answer, $alike, $plain): void {
        $prepared();
        $body = json_decode($samples['changes']['request']['body'], true);
        unset($body['version']);
        $applied = Writer::apply(1, Order::read(json_encode($body)));
        same($answer('changes')['changed'], $applied['changed']);
        $alike($answer('changes'), $applied);
        $alike($answer('ticket'), $plain(Tickets::read(1)));
        same($answer('ticket')['fields'], $plain(Tickets::read(1))['fields']);
        foreach (['changes_invalid', 'changes_key_reused'] as $name) {
            $refusal = refusal(static fn () => Writer::apply(1, Order::read($samples[$name]['request']['body'])));
            same([$samples[$name]['response']['status'], $answer($name)], [$refusal->status, ['error' => $refusal->reason] + $refusal->facts], $name);
        }
    },
    'every other answer has the shape of the recorded one' => static function () use ($prepared, $answer, $alike, $plain): void {
        $prepared();
        Outbox::add(['type' => 'note.created', 'ticket_id' => 1, 'actor' => 'agent', 'changes' => [], 'entry_ids' => [3]], 1000, true);
        foreach ([
            'events' => Outbox::after(0, 10, 2000),
            'tickets_changed' => TicketList::changed(0, null, 10),
            'tickets_unsolved' => TicketList::unsolved(null, 10),
            'installation' => Provision::report(Connection::settings()),
            'health' => Health::report(Connection::settings(), time()),
            'meta' => Catalogue::all(),
        ] as $name => $double) {
            $alike($answer($name), $plain($double), $name);
        }
    },
];
