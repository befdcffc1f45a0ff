<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * Carries out an order on a ticket.
 *
 * One writer a ticket at a time (a lock of the database). What sends no mail is written in one transaction,
 * which begins by locking the ticket's row and comparing its version; a note with alert and a reply to the
 * customer follow after the commit, since a slow mail server must not hold the row. A request that died in
 * between is taken up again when it is repeated.
 */
final class Writer
{
    public const POSTER = 'One Click SLA';

    private const WAIT_SECONDS = 5;

    /** Left out of the history: they follow from what is told there, and agents would read everything twice. */
    private const UNTOLD = [
        'tags', 'fields.sla_priority', 'fields.sla_first_reply_due_at', 'fields.sla_resolution_due_at',
        'fields.sla_complaint_response_due_at', 'fields.sla_complaint_number',
    ];

    /** Room for an event's data; osTicket cuts what is longer, and cannot read it then. */
    private const EVENT_BYTES = 1000;

    private function __construct(private readonly int $id, private readonly Order $order)
    {
    }

    /** @return array<string, mixed> the answer to the request */
    public static function apply(int $id, Order $order): array
    {
        $lock = "oneclick_sla_$id";
        if (!Database::lock($lock, self::WAIT_SECONDS)) {
            throw new Refusal(503, 'busy');
        }
        try {
            return Collector::muted(static fn (): array => (new self($id, $order))->run());
        } finally {
            Database::unlock($lock);
        }
    }

    /** @return array<string, mixed> */
    private function run(): array
    {
        $order = $this->order;
        $ticket = \Ticket::lookup($this->id) ?: throw new Refusal(404, 'no_ticket');
        $known = Requests::find($order->key, $this->id, $order->digest);
        if ($known === null) {
            $plan = Plan::of($order, $ticket);
            Database::transaction(fn () => $this->write($ticket, $plan));
            $standing = Requests::find($order->key, $this->id, $order->digest) ?? throw new Refusal(503, 'interrupted');
        } else {
            $standing = $known;
        }
        if ($standing['state'] !== 'done') {
            $this->post($ticket, $standing);
            Requests::done($order->key);
            $standing = Requests::find($order->key, $this->id, $order->digest) ?? $standing;
        }
        return [
            'ticket_id' => $this->id,
            'version' => Tickets::version($this->id),
            'changed' => $standing['changed'],
            'note_id' => $standing['note_id'],
            'reply_id' => $standing['reply_id'],
            'repeated' => $known !== null,
        ];
    }

    private function write(object $ticket, Plan $plan): void
    {
        $order = $this->order;
        Database::rows('SELECT ticket_id FROM ' . TICKET_TABLE . ' WHERE ticket_id = ? FOR UPDATE', [$this->id]);
        $version = Tickets::version($this->id);
        if ($order->version !== null && !hash_equals($version, $order->version)) {
            throw new Refusal(409, 'ticket_changed', ['version' => $version]);
        }
        Requests::begin($order->key, $this->id, $order->digest, $this->lastEntry(), time());
        $changed = [];
        $edited = [];
        foreach ($plan->answers as $step) {
            $this->answer($step);
            $changed[] = $step['name'];
            // osTicket shows an emptied date as a change to nothing; what emptied it stands in the thread already.
            $blank = $step['name'] === 'fields.' . Fields::NEXT_DUE && $step['value'] === null;
            if (!$blank && !in_array($step['name'], self::UNTOLD, true)) {
                $new = $step['value_id'] === null ? $step['value'] : [$step['value'], $step['value_id']];
                $edited[$step['field_id']] = [$step['old'], $new];
            }
        }
        if ($plan->setsDue) {
            $this->due($ticket, $order->dueAt);
            $changed[] = 'due_at';
        }
        $this->tell($ticket, $edited);
        if ($order->note !== null) {
            $changed[] = 'note';
            if (!$order->note['alert']) {
                $this->note($ticket);
            }
        }
        if ($order->reply !== null) {
            $changed[] = 'reply';
        }
        if ($order->record !== null) {
            Database::execute(
                'REPLACE INTO ' . Schema::table('records') . ' (ticket_id, record) VALUES (?, ?)',
                [$this->id, $order->record],
            );
        }
        Requests::written($order->key, $changed);
    }

    /** @param array{answer: object, value: ?string, value_id: ?int} $step */
    private function answer(array $step): void
    {
        $answer = $step['answer'];
        $step['value_id'] === null ? $answer->setValue($step['value']) : $answer->setValue($step['value'], $step['value_id']);
        if (!$answer->save(true)) {
            throw new \RuntimeException('an answer was not saved');
        }
    }

    /** Sets the due date, or goes back to the one of the SLA plan. */
    private function due(object $ticket, ?int $at): void
    {
        $ticket->duedate = $at === null ? null : Database::value('SELECT FROM_UNIXTIME(?)', [$at]);
        $ahead = $at === null || $at > time();
        if ($ahead) {
            $ticket->isoverdue = 0;
        }
        if (!$ticket->save() || !$ticket->updateEstDueDate($ahead)) {
            throw new \RuntimeException('the due date was not saved');
        }
    }

    /**
     * One line in the ticket's history, about fields alone: these osTicket hides from customers, while it shows them
     * a line about the ticket's own due date. A line about no field at all would end the ticket's page.
     *
     * @param array<int, array{0: mixed, 1: mixed}> $edited by id of the field
     */
    private function tell(object $ticket, array $edited): void
    {
        $fields = [];
        foreach ($edited as $field => $values) {
            $more = $fields + [$field => $values];
            if (strlen((string) json_encode(['fields' => $more])) <= self::EVENT_BYTES) {
                $fields = $more;
            }
        }
        if ($fields !== []) {
            $ticket->logEvent('edited', ['fields' => $fields], self::POSTER);
        }
    }

    /** @param array{note_id: ?int, reply_id: ?int, last_entry: int} $standing */
    private function post(object $ticket, array $standing): void
    {
        foreach (['note', 'reply'] as $kind) {
            $open = $this->order->$kind !== null && $standing["{$kind}_id"] === null;
            if ($open && !$this->adopt($kind, $ticket, $standing['last_entry'])) {
                $this->$kind($ticket);
            }
        }
    }

    private function note(object $ticket): void
    {
        $note = $this->order->note;
        $errors = [];
        $entry = $ticket->postNote(
            ['title' => $note['title'], 'note' => PostBody::of($note['text'])],
            $errors,
            self::POSTER,
            $note['alert'],
        );
        $this->ours('note', $entry ? (int) $entry->getId() : throw new \RuntimeException('a note was not saved'));
    }

    /** Sends the customer a reply, in the department's name. */
    private function reply(object $ticket): void
    {
        $errors = [];
        $answered = $ticket->isanswered;
        $entry = $ticket->postReply(
            [
                'response' => PostBody::of($this->order->reply['text']),
                'poster' => self::poster('reply', $ticket),
                'staffId' => 0,
                'reply-to' => 'all', // who gets the mail; nobody without it
            ],
            $errors,
            true,
            false,
        );
        $this->ours('reply', $entry ? (int) $entry->getId() : throw new \RuntimeException('a reply was not saved'));
        // A person still has to answer: the ticket stays in the queue where agents look for it.
        $ticket->isanswered = $answered;
        $ticket->save();
    }

    private static function poster(string $kind, object $ticket): string
    {
        return $kind === 'reply' ? (string) $ticket->getDept()->getName() : self::POSTER;
    }

    /** An entry that was saved by a request which died before it could say so. */
    private function adopt(string $kind, object $ticket, int $after): bool
    {
        $entry = Database::value(
            'SELECT MIN(e.id) FROM ' . THREAD_ENTRY_TABLE . ' e JOIN ' . THREAD_TABLE . ' t ON t.id = e.thread_id'
            . ' LEFT JOIN ' . Schema::table('entries') . ' o ON o.entry_id = e.id'
            . " WHERE t.object_type = 'T' AND t.object_id = ? AND e.id > ? AND e.type = ? AND e.poster = ?"
            . ' AND e.staff_id = 0 AND e.user_id = 0 AND o.entry_id IS NULL',
            [$this->id, $after, $kind === 'reply' ? 'R' : 'N', self::poster($kind, $ticket)],
        );
        if ($entry !== null) {
            $this->ours($kind, (int) $entry);
        }
        return $entry !== null;
    }

    private function ours(string $kind, int $entry): void
    {
        $keys = json_encode($this->order->{$kind}['keys'], JSON_THROW_ON_ERROR);
        Database::execute(
            'REPLACE INTO ' . Schema::table('entries') . ' (entry_id, ticket_id, note_keys) VALUES (?, ?, ?)',
            [$entry, $this->id, $keys],
        );
        Requests::posted($this->order->key, $kind, $entry);
    }

    private function lastEntry(): int
    {
        return (int) Database::value(
            'SELECT MAX(e.id) FROM ' . THREAD_ENTRY_TABLE . ' e JOIN ' . THREAD_TABLE . ' t ON t.id = e.thread_id'
            . " WHERE t.object_type = 'T' AND t.object_id = ?",
            [$this->id],
        );
    }
}
