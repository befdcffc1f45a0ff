<?php

declare(strict_types=1);

use OneclickSla\{Order, Outbox, Provision, Schema, Settings, Tickets, Writer};

$prepared = static function (): Ticket {
    Helpdesk::build();
    start();
    Schema::ensure();
    Provision::follow(Settings::OBJECTS);
    return Helpdesk::ticket();
};
$apply = static fn (array $body): array => Writer::apply(1, Order::read(json_encode($body + ['key' => 'k'])));
$refused = static function (array $body) use ($apply): array {
    $refusal = refusal(static fn () => $apply($body));
    return [$refusal->status, $refusal->reason, $refusal->facts];
};
$read = static fn (): array => json_decode(json_encode(Tickets::read(1)), true);
/** All that an agent or customer could notice. */
$everything = static fn (): array => array_map(
    static fn (string $table): array => DoubleDatabase::pdo()->query("SELECT * FROM ost_$table")->fetchAll(PDO::FETCH_ASSOC),
    ['ticket' => 'ticket', 'entries' => 'thread_entry', 'events' => 'thread_event', 'answers' => 'form_entry_values', 'ours' => 'oneclick_sla_entries',
        'records' => 'oneclick_sla_records', 'requests' => 'oneclick_sla_requests'],
);
$whole = [
    'priority' => 'high',
    'due_at' => '2030-01-02T03:04:05Z',
    'fields' => ['sla_state' => 'at_risk', 'sla_next_due_at' => '2030-01-02T04:04:05+01:00', 'sla_complaint_number' => '2026-000017'],
    'add_tags' => ['sla_at_risk', 'sla_kind_complaint'],
    'note' => ['text' => "Due soon.\n<b>", 'keys' => ['first-reply-due']],
    'record' => ['priority' => 'high', 'tags' => [], 'fields' => []],
];

return [
    'all changes of a request stand on the ticket afterwards' => static function () use ($prepared, $apply, $read, $whole): void {
        $prepared();
        $answer = $apply($whole);
        same(['priority', 'fields.sla_state', 'fields.sla_next_due_at', 'fields.sla_complaint_number', 'tags', 'due_at', 'note'], $answer['changed']);
        $ticket = $read();
        same('high', $ticket['priority']['name']);
        same('2030-01-02T03:04:05Z', $ticket['due_at'], 'converted by the database, not by the zone osTicket guesses');
        same(
            ['sla_state' => 'at_risk', 'sla_next_due_at' => '2030-01-02T03:04:05Z', 'sla_complaint_number' => '2026-000017'],
            $ticket['fields'],
        );
        same(['sla_at_risk', 'sla_kind_complaint'], $ticket['tags']);
        same([['first-reply-due'], "Due soon.\n<b>", 'note'], [$ticket['thread'][1]['keys'], $ticket['thread'][1]['text'], $ticket['thread'][1]['type']]);
        same('high', $ticket['record']['priority']);
        same($ticket['version'], $answer['version']);
    },
    'a repeated request writes nothing and has the same answer' => static function () use ($prepared, $apply, $whole, $everything): void {
        $prepared();
        $first = $apply($whole);
        $before = $everything();
        $second = $apply($whole);
        same($before, $everything());
        same(['repeated' => true] + $second, ['repeated' => true] + $first);
        same([false, true], [$first['repeated'], $second['repeated']]);
    },
    'what stands already is not written again and leaves no line in the history' => static function () use ($prepared, $apply, $whole, $everything): void {
        $prepared();
        $apply($whole);
        $before = $everything();
        $answer = $apply(['key' => 'other'] + array_diff_key($whole, ['note' => 1]));
        same([], $answer['changed']);
        same($before['events'], $everything()['events']);
    },
    'angle brackets and entities of a text are neither tags nor lost' => static function () use ($prepared, $apply, $read): void {
        $prepared();
        $text = "a < b > c & d &lt; <b>bold</b>\n<script>x</script> \"e\" 'f'";
        $apply(['note' => ['text' => $text], 'reply' => ['text' => $text]]);
        same([$text, $text], [$read()['thread'][1]['text'], $read()['thread'][2]['text']]);
        same(0, (int) Helpdesk::one("SELECT COUNT(*) FROM ost_thread_entry WHERE id > 1 AND body LIKE '%<b>%'"));
    },
    'the history has one line with what agents care about' => static function () use ($prepared, $apply, $whole): void {
        $prepared();
        $apply($whole);
        same(1, (int) Helpdesk::one("SELECT COUNT(*) FROM ost_thread_event WHERE username = 'One Click SLA'"));
        $data = json_decode(Helpdesk::one("SELECT data FROM ost_thread_event WHERE username = 'One Click SLA'"), true);
        same(['fields'], array_keys($data), 'a line about the due date itself is shown to customers');
        same([['Normal', 2], ['High', 3]], $data['fields'][2]);
        same(3, count($data['fields']), 'priority, state and next due, no tags, no due dates twice');
    },
    'what agents need not read twice leaves no line in the history' => static function () use ($prepared, $apply): void {
        $prepared();
        $lines = static fn (): int => (int) Helpdesk::one("SELECT COUNT(*) FROM ost_thread_event WHERE username = 'One Click SLA'");
        $apply(['key' => 'a', 'due_at' => '2030-01-02T03:04:05Z', 'add_tags' => ['sla_at_risk'], 'fields' => ['sla_priority' => 'high']]);
        same(0, $lines());
        $apply(['key' => 'b', 'fields' => ['sla_next_due_at' => '2030-01-02T03:04:05Z']]);
        same(1, $lines());
        $apply(['key' => 'c', 'due_at' => null, 'fields' => ['sla_next_due_at' => null]]);
        same(1, $lines(), 'an emptied date would be shown as a blank');
    },
    'a ticket that moved is refused, and nothing is written' => static function () use ($prepared, $refused, $everything, $read, $whole): void {
        $ticket = $prepared();
        $version = $read()['version'];
        $ticket->customerWrites('<p>and another thing</p>');
        $before = $everything();
        [$status, $reason, $facts] = $refused(['version' => $version] + $whole);
        same([409, 'ticket_changed', $read()['version']], [$status, $reason, $facts['version']]);
        unset($before['answers']);
        same($before, array_diff_key($everything(), ['answers' => 1]));
    },
    'the version moves with status, answers and entries, and not with a reading agent' => static function () use ($prepared): void {
        $ticket = $prepared();
        $version = Tickets::version(1);
        Helpdesk::run("UPDATE ost_ticket SET updated = '2031-01-01 00:00:00', lastupdate = '2031-01-01 00:00:00'");
        DynamicFormEntry::forTicket(1)[0]->addMissingFields();
        same($version, Tickets::version(1));
        foreach ([
            'UPDATE ost_ticket SET status_id = 2',
            "UPDATE ost_form_entry_values SET value = 'x' WHERE field_id = 1",
            "UPDATE ost_thread_entry SET updated = '2031-01-01 00:00:00'",
        ] as $change) {
            Helpdesk::run($change);
            same(false, $version === Tickets::version(1), $change);
            $version = Tickets::version(1);
        }
    },
    'one invalid part refuses the whole, with all that is wrong' => static function () use ($prepared, $refused, $everything, $whole): void {
        $prepared();
        DynamicFormEntry::forTicket(1)[0]->addMissingFields();
        $before = $everything();
        $fields = [
            'sla_state' => 'fine', 'nosuch' => 'x', 'sla_next_due_at' => 'soon', 'sla_tags' => 'a', 'priority' => 'x',
            'sla_complaint_number' => str_repeat('9', 1001),
        ];
        [$status, $reason, $facts] = $refused(['priority' => 'blazing', 'fields' => $fields] + $whole);
        same([422, 'validation'], [$status, $reason]);
        same([
            'priority' => 'priority', 'fields.sla_state' => 'choice', 'fields.nosuch' => 'no_field',
            'fields.sla_next_due_at' => 'instant', 'fields.sla_tags' => 'own_key', 'fields.priority' => 'own_key',
            'fields.sla_complaint_number' => 'length',
        ], $facts['fields']);
        same($before, $everything());
    },
    'a priority is found by id, by system name and by the name agents see' => static function () use ($prepared, $apply, $read): void {
        $prepared();
        foreach ([[4, 'emergency'], ['LOW', 'low'], ['urgent!', 'emergency']] as $index => [$wanted, $name]) {
            $apply(['key' => "k$index", 'priority' => $wanted]);
            same($name, $read()['priority']['name']);
        }
    },
    'a field is emptied by null' => static function () use ($prepared, $apply, $read): void {
        $prepared();
        $apply(['key' => 'a', 'fields' => ['sla_state' => 'breached']]);
        $apply(['key' => 'b', 'fields' => ['sla_state' => null]]);
        same([], (array) $read()['fields']);
    },
    'tags of others stay when ours change' => static function () use ($prepared, $apply, $read): void {
        $prepared();
        $apply(['key' => 'a', 'add_tags' => ['vip', 'sla_on_track']]);
        $apply(['key' => 'b', 'add_tags' => ['sla_at_risk'], 'remove_tags' => ['sla_on_track', 'never_there']]);
        same(['vip', 'sla_at_risk'], $read()['tags']);
    },
    'a due date ahead clears the overdue flag, one behind does not' => static function () use ($prepared, $apply, $read): void {
        $prepared();
        Helpdesk::run('UPDATE ost_ticket SET isoverdue = 1');
        $apply(['key' => 'a', 'due_at' => '2020-01-01T00:00:00Z']);
        same([true, '2020-01-01T00:00:00Z'], [$read()['overdue'], $read()['due_at']]);
        $apply(['key' => 'b', 'due_at' => '2040-01-01T00:00:00Z']);
        same(false, $read()['overdue']);
        $apply(['key' => 'c', 'due_at' => null]);
        same(null, $read()['due_at']);
    },
    'a closed ticket takes no due date, but everything else' => static function () use ($prepared, $apply, $refused): void {
        $prepared();
        Helpdesk::run('UPDATE ost_ticket SET status_id = 3');
        same([422, 'validation', ['fields' => ['due_at' => 'closed']]], $refused(['due_at' => '2040-01-01T00:00:00Z']));
        same(['priority'], $apply(['priority' => 'low', 'due_at' => null])['changed']);
    },
    'a reply goes out in the name of the department and leaves the ticket unanswered' => static function () use ($prepared, $apply, $read): void {
        $prepared();
        $answer = $apply(['reply' => ['text' => 'We have your message.', 'keys' => ['ack']]]);
        $entry = $read()['thread'][1];
        same([$answer['reply_id'], 'reply', ['ack']], [$entry['id'], $entry['type'], $entry['keys']]);
        same(['Support', 1, false], [Helpdesk::one('SELECT poster FROM ost_thread_entry WHERE id = ' . $entry['id']), Ticket::$mails, $read()['answered']]);
    },
    'a reply that was saved before the request died is not sent again' => static function () use ($prepared, $apply, $read): void {
        $prepared();
        Ticket::$dies = new RuntimeException('the worker was killed');
        $body = ['priority' => 'high', 'reply' => ['text' => 'We have your message.', 'keys' => ['ack']]];
        try {
            $apply($body);
            throw new Failure('it should have died');
        } catch (RuntimeException $error) {
            same('the worker was killed', $error->getMessage());
        }
        $answer = $apply($body);
        $replies = array_values(array_filter($read()['thread'], static fn (array $entry): bool => $entry['type'] === 'reply'));
        same([1, ['ack'], 1], [count($replies), $replies[0]['keys'], Ticket::$mails]);
        same([$replies[0]['id'], ['priority', 'reply'], true], [$answer['reply_id'], $answer['changed'], $answer['repeated']]);
    },
    'an error inside the transaction leaves nothing behind, and the key can be used again' => static function () use ($prepared, $apply, $everything, $whole): void {
        $prepared();
        DynamicFormEntry::forTicket(1)[0]->addMissingFields();
        $before = $everything();
        Ticket::$dies = new RuntimeException('the database went away');
        try {
            $apply($whole);
            throw new Failure('it should have died');
        } catch (RuntimeException) {
        }
        same($before, $everything());
        same(7, count($apply($whole)['changed']));
    },
    'a key that was used for something else is refused' => static function () use ($prepared, $apply, $refused): void {
        $prepared();
        $apply(['priority' => 'high']);
        same([422, 'key_reused', []], $refused(['priority' => 'low']));
    },
    'two writers of one ticket do not meet' => static function () use ($prepared, $refused): void {
        $prepared();
        DoubleDatabase::$foreignLocks['osticket.oneclick_sla_1'] = true;
        same([503, 'busy', []], $refused(['priority' => 'high']));
    },
    'a transaction that the database undid is told' => static function () use ($prepared): void {
        $prepared();
        same([503, 'interrupted'], (static fn ($refusal): array => [$refusal->status, $refusal->reason])(
            refusal(static fn () => OneclickSla\Requests::written('gone', [])),
        ));
    },
    'our own writes are no events' => static function () use ($prepared, $apply, $whole): void {
        $prepared();
        $apply($whole);
        $data = ['autocron' => true];
        Signal::send('cron', null, $data);
        same(0, Outbox::summary(time())['size']);
    },
    'of a deleted ticket nothing is kept' => static function () use ($prepared, $apply, $whole): void {
        $ticket = $prepared();
        $apply($whole);
        $ticket->delete();
        $data = ['autocron' => true];
        Signal::send('cron', null, $data);
        foreach (['requests', 'records', 'entries'] as $table) {
            same(0, (int) Helpdesk::one("SELECT COUNT(*) FROM ost_oneclick_sla_$table"), $table);
        }
    },
    'a ticket that is not there is 404' => static function () use ($prepared): void {
        $prepared();
        same(404, refusal(static fn () => Writer::apply(99, Order::read('{"key":"k"}')))->status);
    },
];
