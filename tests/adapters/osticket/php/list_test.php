<?php

declare(strict_types=1);

use OneclickSla\{Connection, Health, Outbox, Register, Schema, TicketList, Tickets};

$prepared = static function (array $settings = []): void {
    Helpdesk::build();
    start($settings);
    Schema::ensure();
};
$ids = static fn (array $page): array => array_column($page['tickets'], 'id');
$problems = static fn (int $now): array => Health::report(Connection::settings(), $now)['problems'];

return [
    'changed tickets come oldest change first, in pages without gaps or repeats' => static function () use ($prepared, $ids): void {
        $prepared();
        foreach ([300, 100, 200, 200, 50] as $minute) {
            Helpdesk::ticket(at: 1_800_000_000 + $minute * 60);
        }
        $seen = [];
        $cursor = null;
        do {
            $page = TicketList::changed(1_800_000_000 + 100 * 60, $cursor, 2);
            $seen = [...$seen, ...$ids($page)];
            $cursor = $page['cursor'];
        } while ($page['more']);
        same([2, 3, 4, 1], $seen);
        same(['tickets' => [], 'cursor' => $cursor, 'more' => false], TicketList::changed(1_800_000_000, $cursor, 2));
    },
    'a note alone makes a ticket changed' => static function () use ($prepared, $ids): void {
        $prepared();
        $ticket = Helpdesk::ticket(at: 1_600_000_000);
        $errors = [];
        $ticket->postNote(['note' => new HtmlThreadEntryBody('n')], $errors, 'Ana', false);
        same([1], $ids(TicketList::changed(time() - 600, null, 10)));
    },
    'a merge makes the ticket that gets the entries changed, and what was told of the other one is not told of it' => static function () use ($prepared, $ids): void {
        $prepared();
        $now = time();
        foreach ([1, 2] as $id) {
            Helpdesk::ticket(at: $now - 7200);
            OneclickSla\Writer::apply($id, OneclickSla\Order::read('{"key":"k' . $id . '","note":{"text":"Due.","keys":["due"]}}'));
        }
        Helpdesk::run("UPDATE ost_thread_entry SET thread_id = 1, created = '" . DoubleDatabase::local($now - 7200) . "'");
        Helpdesk::run("UPDATE ost_thread SET object_type = 'C' WHERE id = 2");
        same([], $ids(TicketList::changed($now - 60, null, 10)));
        Helpdesk::insert('thread_event', ['thread_id' => 1, 'event_id' => 13, 'uid' => 1, 'timestamp' => DoubleDatabase::local($now)]);
        same([1], $ids(TicketList::changed($now - 60, null, 10)));
        same([null, ['due'], null, []], array_column(Tickets::read(1)['thread'], 'keys'));
        same([[], 2], [Tickets::read(2)['thread'], Tickets::read(2)['id']]);
    },
    'unsolved are those with an open status, by id' => static function () use ($prepared, $ids): void {
        $prepared();
        foreach (range(1, 4) as $_) {
            Helpdesk::ticket();
        }
        Helpdesk::run('UPDATE ost_ticket SET status_id = 3 WHERE ticket_id = 2');
        $first = TicketList::unsolved(null, 2);
        same([[1, 3], '3', true], [$ids($first), $first['cursor'], $first['more']]);
        same([[4], false], [$ids(TicketList::unsolved('3', 2)), TicketList::unsolved('3', 2)['more']]);
    },
    'a cursor that is none is refused' => static function () use ($prepared): void {
        $prepared();
        same(422, refusal(static fn () => TicketList::changed(0, "1' OR 1=1", 10))->status);
        same(422, refusal(static fn () => TicketList::unsolved('x', 10))->status);
    },
    'a ticket is found by id and by number, and its dates are in UTC' => static function () use ($prepared): void {
        $prepared();
        $ticket = Helpdesk::ticket(at: 1_800_000_000);
        same(1, Tickets::find($ticket->get('number'), true));
        same('2027-01-15T08:00:00Z', Tickets::read(1)['created_at']);
        same('2027-01-15T08:00:00Z', Tickets::read(1)['thread'][0]['at']);
        same(404, refusal(static fn () => Tickets::find('999', false))->status);
    },
    'an edited entry is shown as it is now, not as it was' => static function () use ($prepared): void {
        $prepared();
        Helpdesk::ticket();
        Helpdesk::run('UPDATE ost_thread_entry SET flags = 4');
        same([], Tickets::read(1)['thread']);
    },
    'a merged ticket names the one it went into, a linked one does not' => static function () use ($prepared): void {
        $prepared();
        Helpdesk::ticket();
        foreach ([[1, 9], [2, 9], [8, null]] as [$flags, $into]) {
            Helpdesk::run("UPDATE ost_ticket SET ticket_pid = 9, flags = $flags");
            same($into, Tickets::read(1)['merged_into']);
        }
    },
    'data of the history that may be a customer\'s is not handed out' => static function () use ($prepared): void {
        $prepared();
        Helpdesk::ticket();
        foreach ([9 => '{"fields":{"1":["old words","new words"]}}', 2 => '{"status":[3,"Closed"]}'] as $event => $data) {
            $now = DoubleDatabase::local(time());
            Helpdesk::insert('thread_event', ['thread_id' => 1, 'event_id' => $event, 'data' => $data, 'uid' => 1, 'timestamp' => $now]);
        }
        $history = Tickets::read(1)['history'];
        same([['created', null, 'user'], ['closed', 3, 'agent']], array_map(static fn ($line) => [$line['event'], $line['status_id'], $line['by']], $history));
        same(false, str_contains(json_encode($history), 'words'));
    },
    'a requester is told with the fields of the contact information, but not what agents remark' => static function () use ($prepared): void {
        $prepared();
        Helpdesk::insert('form_entry', ['object_id' => 7, 'object_type' => 'U']);
        $entry = Helpdesk::id();
        foreach (['phone' => '+51 1', 'notes' => 'Grumpy', 'dni' => '12345678', 'company' => null] as $name => $value) {
            $field = Helpdesk::field($name, 'text');
            Helpdesk::insert('form_entry_values', ['entry_id' => $entry, 'field_id' => $field->get('id'), 'value' => $value]);
        }
        $person = ['id' => 7, 'name' => 'Clara', 'email' => 'clara@example.com', 'phone' => '+51 1', 'fields' => ['dni' => '12345678']];
        same($person, json_decode(json_encode(OneclickSla\People::read(7)), true));
        same([404, 'no_person'], (static fn ($refusal): array => [$refusal->status, $refusal->reason])(refusal(static fn () => OneclickSla\People::read(8))));
    },
    'health names what is wrong' => static function () use ($prepared, $problems): void {
        $prepared(['url' => 'http://sla.example.com/hook', 'delivery' => true, 'fields' => false, 'badges' => false, 'queues' => false]);
        $now = time();
        same(['plain_http', 'no_cron'], $problems($now));
        Register::set('cron_at', (string) $now);
        same(['plain_http'], $problems($now));
        Outbox::add(['type' => 'ticket.updated', 'ticket_id' => 1, 'actor' => 'agent', 'changes' => [], 'entry_ids' => []], $now - 7200, true);
        Outbox::failed(1, 11, 'timeout', $now);
        same(['plain_http', 'delivery_failing', 'events_given_up'], $problems($now));
        Register::set('cron_at', (string) ($now + 86401));
        same(['plain_http', 'delivery_failing', 'database_clock'], $problems($now + 86401), 'the next day that is no news');
    },
    'health names a database zone that osTicket guesses wrongly' => static function () use ($prepared, $problems): void {
        $prepared(['url' => 'https://sla.example.com/hook', 'fields' => false, 'badges' => false, 'queues' => false]);
        Register::set('cron_at', (string) time());
        same([], $problems(time()));
        $GLOBALS['cfg']->databaseZone = 'Europe/Dublin';
        same(['database_zone'], $problems(time()));
    },
    'health names a clock that is off and objects that are missing' => static function () use ($prepared, $problems): void {
        $prepared(['url' => 'https://sla.example.com/hook']);
        Register::set('cron_at', (string) (time() + 3600));
        same(['objects_missing', 'database_clock'], $problems(time() + 3600));
    },
];
