<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * Gathers what happens to tickets during a request, and hands it to the outbox when the request is over.
 *
 * osTicket sends a signal for each saved row. Here they become one event for each ticket and kind; a ticket
 * that is created swallows what happens to it in the same request. Events hold ids and names of columns, no
 * values: whoever gets one reads the ticket.
 */
final class Collector
{
    private const ENTRIES = ['M' => 'message.created', 'R' => 'reply.created', 'N' => 'note.created'];

    /** Columns that every save touches, and the lock of an agent who opens the ticket. */
    private const TOUCHED = ['updated', 'lastupdate', 'lock_id'];

    /** Bounds for a request; a cron run that fetches mail has many more events than a click. */
    private const CLICK = ['rows' => 10, 'seconds' => 1.0, 'connect' => 0.3, 'total' => 0.8];
    private const CRON = ['rows' => 2000, 'seconds' => 50.0, 'connect' => 2.0, 'total' => 5.0];

    /**
     * @var array<string, array{type: string, ticket_id: int, actor: string, changes: array<string, true>,
     *     entry_ids: list<int>}>
     */
    private static array $events = [];
    private static int $muted = 0;
    private static bool $registered = false;

    /** @param \Closure(): Settings $settings */
    public static function connect(\Closure $settings): void
    {
        $finish = static fn () => Guard::run(static fn () => self::finish($settings()));
        foreach ([
            ['ticket.created', 'Ticket', static fn ($ticket) => self::record('ticket.created', $ticket->getId())],
            ['model.updated', 'Ticket', self::ticketChanged(...)],
            ['model.deleted', 'Ticket', static fn ($ticket) => self::record('ticket.deleted', $ticket->getId())],
            ['model.created', 'DynamicFormEntryAnswer', self::answerChanged(...)],
            ['model.updated', 'DynamicFormEntryAnswer', self::answerChanged(...)],
            ['threadentry.created', null, self::entryMade(...)],
            ['model.updated', 'ThreadEntry', self::entryMoved(...)],
        ] as [$signal, $class, $handler]) {
            \Signal::connect($signal, static function ($object, $data = null) use ($handler, $finish): void {
                if (self::$muted === 0) {
                    Guard::run(static fn () => $handler($object, is_array($data) ? $data : []));
                    self::atTheEnd($finish);
                }
            }, $class);
        }
        \Signal::connect('cron', static fn ($nothing, $data) => Guard::run(
            static fn () => self::cron($settings(), is_array($data) && !empty($data['autocron'])),
        ));
    }

    /** @param array<string, mixed> $data with the old values of changed columns under "dirty", or nothing */
    private static function ticketChanged(object $ticket, array $data): void
    {
        $changes = array_diff(array_keys($data['dirty'] ?? []), self::TOUCHED);
        if ($changes) {
            self::record('ticket.updated', $ticket->getId(), changes: $changes);
        }
    }

    /** @param array<string, mixed> $data as above */
    private static function answerChanged(object $answer, array $data): void
    {
        if ($data === [] && $answer->get('value') === null) {
            return; // looking at a ticket makes empty answers for new fields
        }
        $entry = $answer->getEntry();
        if ($entry && $entry->object_type === 'T') {
            self::record('ticket.updated', $entry->object_id, changes: ['field:' . $answer->getField()->get('name')]);
        }
    }

    private static function entryMade(object $entry): void
    {
        $thread = $entry->getThread();
        $type = self::ENTRIES[$entry->getType()] ?? null;
        if ($type !== null && $thread && $thread->getObjectType() === 'T') {
            // Mail sets neither agent nor customer of the session.
            $actor = $entry->getStaffId() ? 'agent' : ($entry->getUserId() ? 'user' : '');
            self::record($type, $thread->getObjectId(), $actor, [], (int) $entry->getId());
        }
    }

    /**
     * A merge hands the entries of a ticket to another one, whose own row may stay as it is.
     *
     * @param array<string, mixed> $data as above
     */
    private static function entryMoved(object $entry, array $data): void
    {
        if (array_key_exists('thread_id', $data['dirty'] ?? [])) {
            $ticket = Tickets::ofThread((int) $entry->get('thread_id'));
            if ($ticket !== null) {
                self::record('ticket.updated', $ticket, changes: ['thread']);
            }
        }
    }

    private static function atTheEnd(callable $finish): void
    {
        if (!self::$registered && self::$events !== []) {
            self::$registered = true;
            register_shutdown_function($finish);
        }
    }

    /**
     * Runs the work without gathering what it does, so that our own writes wake nobody up.
     *
     * @template T
     * @param callable(): T $work
     * @return T
     */
    public static function muted(callable $work): mixed
    {
        self::$muted++;
        try {
            return $work();
        } finally {
            self::$muted--;
        }
    }

    /** @param array<string> $changes */
    private static function record(
        string $type,
        int|string $id,
        string $actor = '',
        array $changes = [],
        ?int $entry = null,
    ): void {
        $ticket = (int) $id;
        $event = self::$events["$type $ticket"] ?? [
            'type' => $type,
            'ticket_id' => $ticket,
            'actor' => $actor ?: self::actor(),
            'changes' => [],
            'entry_ids' => [],
        ];
        foreach ($changes as $change) {
            $event['changes'][$change] = true;
        }
        if ($entry !== null) {
            $event['entry_ids'][] = $entry;
        }
        self::$events["$type $ticket"] = $event;
    }

    private static function actor(): string
    {
        global $thisstaff, $thisclient;

        return $thisstaff ? 'agent' : ($thisclient ? 'user' : 'system');
    }

    /** Writes what was gathered, then answers the browser, then delivers: in this order nobody waits for a receiver. */
    private static function finish(Settings $settings): void
    {
        self::store($settings);
        if ($settings->delivery && Delivery::afterResponse()) {
            Delivery::releaseBrowser();
            Delivery::drain($settings, ...self::CLICK);
        }
    }

    private static function cron(Settings $settings, bool $automatic): void
    {
        Schema::ensure();
        self::store($settings);
        Register::set($automatic ? 'autocron_at' : 'cron_at', (string) time());
        // An agent's browser waits for the automatic one, though in the background.
        Delivery::drain($settings, ...($automatic ? self::CLICK : self::CRON));
        Outbox::purge(time());
        Requests::purge(time());
    }

    private static function store(Settings $settings): void
    {
        [$events, self::$events] = [self::$events, []];
        foreach ($events as $event) {
            if ($event['type'] === 'ticket.created' || !isset($events["ticket.created {$event['ticket_id']}"])) {
                $event['changes'] = array_map('strval', array_keys($event['changes']));
                Outbox::add($event, time(), $settings->delivery);
            }
            if ($event['type'] === 'ticket.deleted') {
                Schema::forget($event['ticket_id']);
            }
        }
    }
}
