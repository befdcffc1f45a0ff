<?php

declare(strict_types=1);

use OneclickSla\{Collector, Outbox, Schema};

/** What cron hands to the outbox, as "type ticket actor changes entries". */
$stored = static function (): array {
    $data = ['autocron' => true];
    Signal::send('cron', null, $data);
    return array_map(static function (array $event): string {
        ['ticket_id' => $ticket, 'actor' => $actor, 'changes' => $changes, 'entry_ids' => $entries] = $event['data'];
        return trim("{$event['type']} $ticket $actor " . implode(',', $changes) . ' ' . implode(',', $entries));
    }, Outbox::after(0, 100, time() + 60)['events']);
};
$prepared = static function (array $settings = []): Ticket {
    Helpdesk::build();
    start($settings);
    return Helpdesk::ticket();
};

return [
    'many changes of a ticket in one request are one event with all names' => static function () use ($prepared, $stored): void {
        $ticket = $prepared();
        foreach (['status_id' => 2, 'closed' => 'x', 'staff_id' => 3] as $column => $value) {
            $ticket->set($column, $value);
            $ticket->save();
        }
        same(['ticket.updated 1 system status_id,closed,staff_id'], $stored());
    },
    'a save that only touches the row, or locks it for reading, is no event' => static function () use ($prepared, $stored): void {
        $ticket = $prepared();
        $data = ['dirty' => ['updated' => 'a', 'lastupdate' => 'b', 'lock_id' => 0]];
        Signal::send('model.updated', $ticket, $data);
        Signal::send('model.updated', $ticket);
        same([], $stored());
    },
    'a ticket that is created swallows what else happens to it' => static function () use ($prepared, $stored): void {
        $ticket = $prepared();
        $ticket->customerWrites('<p>first</p>');
        $ticket->set('sla_id', 4);
        $ticket->save();
        Signal::send('ticket.created', $ticket);
        same(['ticket.created 1 system'], $stored());
    },
    'messages, replies and notes are told apart and name their entries' => static function () use ($prepared, $stored): void {
        $ticket = $prepared();
        $errors = [];
        $ticket->customerWrites('<p>a</p>');
        $ticket->customerWrites('<p>b</p>');
        $ticket->postNote(['note' => new HtmlThreadEntryBody('n')], $errors, 'Ana', false);
        same(['message.created 1 user  2,3', 'note.created 1 system  4'], $stored());
    },
    'a merge is told of the ticket that gets the entries' => static function () use ($prepared, $stored): void {
        $prepared();
        Helpdesk::ticket();
        foreach ([['thread_id' => 2], ['body' => 'x']] as $dirty) {
            $data = ['dirty' => $dirty];
            Signal::send('model.updated', new ThreadEntry(['id' => 2, 'thread_id' => 1, 'type' => 'M']), $data);
        }
        same(['ticket.updated 1 system thread'], $stored());
    },
    'entries of tasks are not ours' => static function () use ($prepared, $stored): void {
        $prepared();
        Signal::send('threadentry.created', new ThreadEntry(['id' => 9, 'type' => 'N', 'ticket' => 1, 'object_type' => 'A']));
        same([], $stored());
    },
    'the agent of the session is the actor' => static function () use ($prepared, $stored): void {
        $ticket = $prepared();
        $GLOBALS['thisstaff'] = new stdClass();
        $ticket->set('status_id', 3);
        $ticket->save();
        same(['ticket.updated 1 agent status_id'], $stored());
    },
    'a field that changed is named, its value is not' => static function () use ($prepared, $stored): void {
        $prepared();
        $answer = DynamicFormEntry::forTicket(1)[0]->getAnswers()[0];
        $answer->setValue('A secret subject');
        $answer->save();
        same(['ticket.updated 1 system field:subject'], $stored());
        same(0, (int) Helpdesk::one("SELECT COUNT(*) FROM ost_oneclick_sla_outbox WHERE body LIKE '%secret subject%'"));
    },
    'a deleted ticket is told' => static function () use ($prepared, $stored): void {
        $prepared()->delete();
        same(['ticket.deleted 1 system'], $stored());
    },
    'what our own writes do is not told, and what others do afterwards is' => static function () use ($prepared, $stored): void {
        $ticket = $prepared();
        Collector::muted(static function () use ($ticket): void {
            $ticket->set('duedate', 'x');
            $ticket->save();
        });
        $ticket->set('status_id', 2);
        $ticket->save();
        same(['ticket.updated 1 system status_id'], $stored());
    },
    'an exception in our handlers does not reach osTicket' => static function () use ($prepared): void {
        $prepared();
        $broken = new class (['ticket_id' => 1]) extends ModelDouble {
            public function getType(): string
            {
                throw new RuntimeException('a customer wrote this');
            }
        };
        ini_set('error_log', '/dev/null');
        Signal::send('threadentry.created', $broken);
        Helpdesk::run('DROP TABLE ost_config');
        $data = ['autocron' => false];
        Signal::send('cron', null, $data);
    },
    'the log names the place of an error and not its message' => static function (): void {
        $log = tempnam(sys_get_temp_dir(), 'log');
        ini_set('log_errors', '1');
        ini_set('error_log', $log);
        same('otherwise', OneclickSla\Guard::run(static fn () => throw new RuntimeException('a customer wrote this'), 'otherwise'));
        $text = (string) file_get_contents($log);
        unlink($log);
        same([true, false], [str_contains($text, 'RuntimeException in collector_test.php'), str_contains($text, 'customer')]);
    },
    'without a secret nothing is gathered' => static function () use ($prepared): void {
        $ticket = $prepared(['secret' => '']);
        Schema::ensure();
        $ticket->set('status_id', 2);
        $ticket->save();
        $data = ['autocron' => false];
        Signal::send('cron', null, $data);
        same(0, Outbox::summary(time())['size']);
    },
    'cron leaves its time and removes what is old' => static function () use ($prepared): void {
        $prepared();
        Schema::ensure();
        Outbox::add(['type' => 'ticket.updated', 'ticket_id' => 1, 'actor' => 'agent', 'changes' => [], 'entry_ids' => []], 1000, false);
        $data = ['autocron' => false];
        Signal::send('cron', null, $data);
        same(0, Outbox::summary(time())['size']);
        same(true, (int) OneclickSla\Register::get('cron_at') >= time() - 60);
    },
];
