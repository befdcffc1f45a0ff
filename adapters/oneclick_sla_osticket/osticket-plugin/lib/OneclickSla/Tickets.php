<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * Tickets as the API shows them. Instants are converted by the database, which alone knows in which zone its
 * columns are.
 */
final class Tickets
{
    private const INSTANTS = ['created', 'updated', 'closed', 'reopened', 'duedate', 'est_duedate'];

    /** Events of a ticket's history that tell when it was open, solved, late or merged. */
    private const TOLD = ['created', 'closed', 'reopened', 'overdue', 'merged', 'edited'];

    private const HIDDEN = 4; // ThreadEntry::FLAG_HIDDEN: what an agent has edited since
    private const COMBINED = 3; // Ticket::FLAG_COMBINE_THREADS, FLAG_SEPARATE_THREADS: merged, not just linked

    /**
     * The id of a ticket by its id or its number.
     *
     * @throws Refusal 404
     */
    public static function find(string $name, bool $byNumber): int
    {
        $column = $byNumber ? 'number' : 'ticket_id';
        $id = Database::value('SELECT ticket_id FROM ' . TICKET_TABLE . " WHERE $column = ? ORDER BY ticket_id LIMIT 1", [$name]);
        return $id === null ? throw new Refusal(404, 'no_ticket') : (int) $id;
    }

    /** The ticket that a thread belongs to, null for a task's and for one that was merged away. */
    public static function ofThread(int $thread): ?int
    {
        $id = Database::value('SELECT object_id FROM ' . THREAD_TABLE . " WHERE id = ? AND object_type = 'T'", [$thread]);
        return $id === null ? null : (int) $id;
    }

    /**
     * What would make a decision different, in one mark. It holds more than "updated", which answers of forms
     * do not touch and which knows whole seconds only; and less: the lock of a reading agent is not in it.
     */
    public static function version(int $id): string
    {
        $parts = [
            Database::row('SELECT number, user_id, status_id, dept_id, sla_id, topic_id, staff_id, team_id, flags,'
                . ' ticket_pid, isoverdue, isanswered, duedate, est_duedate, reopened, closed FROM ' . TICKET_TABLE
                . ' WHERE ticket_id = ?', [$id]),
            Database::rows('SELECT a.field_id, a.value, a.value_id FROM ' . FORM_ANSWER_TABLE . ' a JOIN ' . FORM_ENTRY_TABLE
                . " e ON e.id = a.entry_id WHERE e.object_type = 'T' AND e.object_id = ?"
                . ' AND (a.value IS NOT NULL OR a.value_id IS NOT NULL) ORDER BY a.entry_id, a.field_id', [$id]),
            Database::row('SELECT COUNT(*) AS entries, MAX(e.id) AS last_id, MAX(e.updated) AS updated FROM '
                . THREAD_ENTRY_TABLE . ' e JOIN ' . THREAD_TABLE . ' t ON t.id = e.thread_id'
                . " WHERE t.object_type = 'T' AND t.object_id = ?", [$id]),
        ];
        return substr(hash('sha256', json_encode($parts, JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE)), 0, 32);
    }

    /** @return array<string, mixed> */
    public static function read(int $id): array
    {
        // First, so that what is read afterwards is no older than the mark says.
        $version = self::version($id);
        $row = self::row($id) ?? throw new Refusal(404, 'no_ticket');
        [$fields, $priority] = self::answers($id);
        $subject = $fields['subject'] ?? '';
        $tags = Fields::tags(is_string($fields[Fields::TAGS] ?? null) ? $fields[Fields::TAGS] : '');
        unset($fields['subject'], $fields[Fields::TAGS]);
        $record = Database::value('SELECT record FROM ' . Schema::table('records') . ' WHERE ticket_id = ?', [$id]);
        return [
            'id' => $id,
            'number' => $row['number'],
            'version' => $version,
            'subject' => is_string($subject) ? $subject : '',
            'source' => $row['source'],
            'recipient' => $row['recipient'],
            'status' => ['id' => (int) $row['status_id'], 'name' => $row['status_name'], 'state' => $row['state']],
            'priority' => $priority,
            'department' => self::named($row, 'dept'),
            'topic' => self::named($row, 'topic'),
            'sla' => self::named($row, 'sla'),
            'assignee' => ['agent_id' => (int) $row['staff_id'] ?: null, 'team_id' => (int) $row['team_id'] ?: null],
            'requester' => ['id' => (int) $row['user_id'], 'organization_id' => (int) $row['org_id'] ?: null],
            'created_at' => Instant::optional($row['created_s']),
            'updated_at' => Instant::optional($row['updated_s']),
            'closed_at' => Instant::optional($row['closed_s']),
            'reopened_at' => Instant::optional($row['reopened_s']),
            'due_at' => Instant::optional($row['duedate_s']),
            'sla_due_at' => Instant::optional($row['est_duedate_s']),
            'overdue' => (bool) $row['isoverdue'],
            'answered' => (bool) $row['isanswered'],
            'merged_into' => ((int) $row['flags'] & self::COMBINED) && $row['ticket_pid'] ? (int) $row['ticket_pid'] : null,
            'fields' => (object) $fields,
            'tags' => $tags,
            'thread' => self::thread($id),
            'history' => self::history($id),
            'record' => $record === null ? null : json_decode($record, false, 16, JSON_THROW_ON_ERROR),
        ];
    }

    /** @return array<string, string|null>|null */
    private static function row(int $id): ?array
    {
        $seconds = static fn (string $name): string => "UNIX_TIMESTAMP(t.$name) AS {$name}_s";
        $instants = implode(', ', array_map($seconds, self::INSTANTS));
        return Database::row(
            "SELECT t.*, $instants, s.name AS status_name, s.state AS state, d.name AS dept_name, p.topic AS topic_name,"
            . ' l.name AS sla_name, u.org_id AS org_id, m.email AS recipient FROM ' . TICKET_TABLE . ' t'
            . ' LEFT JOIN ' . TICKET_STATUS_TABLE . ' s ON s.id = t.status_id'
            . ' LEFT JOIN ' . DEPT_TABLE . ' d ON d.id = t.dept_id'
            . ' LEFT JOIN ' . TOPIC_TABLE . ' p ON p.topic_id = t.topic_id'
            . ' LEFT JOIN ' . SLA_TABLE . ' l ON l.id = t.sla_id'
            . ' LEFT JOIN ' . USER_TABLE . ' u ON u.id = t.user_id'
            . ' LEFT JOIN ' . EMAIL_TABLE . ' m ON m.email_id = t.email_id'
            . ' WHERE t.ticket_id = ?',
            [$id],
        );
    }

    /**
     * @param array<string, string|null> $row
     * @return array{id: int, name: ?string}|null
     */
    private static function named(array $row, string $what): ?array
    {
        $id = (int) $row["{$what}_id"];
        return $id === 0 ? null : ['id' => $id, 'name' => $row["{$what}_name"]];
    }

    /** @return array{0: array<string, mixed>, 1: array{id: int, name: string, label: string}|null} */
    private static function answers(int $id): array
    {
        $fields = [];
        $priority = null;
        foreach (\DynamicFormEntry::forTicket($id, true) as $entry) {
            foreach ($entry->getAnswers() as $answer) {
                $field = $answer->getField();
                $name = (string) $field->get('name');
                if ($field->get('type') === 'priority') {
                    $priority ??= Priorities::byId((int) $answer->get('value_id'));
                } elseif ($name !== '' && !isset($fields[$name])) {
                    $fields[$name] = Fields::value($answer);
                }
            }
        }
        return [array_filter($fields, static fn (mixed $value): bool => $value !== null), $priority];
    }

    /** @return list<array<string, mixed>> */
    private static function thread(int $id): array
    {
        $rows = Database::rows(
            'SELECT e.id, e.type, e.staff_id, e.user_id, e.title, e.body, e.format, e.source,'
            . ' UNIX_TIMESTAMP(e.created) AS created_s, o.note_keys, o.ticket_id AS ours FROM ' . THREAD_ENTRY_TABLE . ' e'
            . ' JOIN ' . THREAD_TABLE . ' t ON t.id = e.thread_id'
            . ' LEFT JOIN ' . Schema::table('entries') . ' o ON o.entry_id = e.id'
            . " WHERE t.object_type = 'T' AND t.object_id = ? AND (e.flags & " . self::HIDDEN . ') = 0'
            . ' ORDER BY e.created, e.id',
            [$id],
        );
        return array_map(static fn (array $row): array => [
            'id' => (int) $row['id'],
            'type' => ['M' => 'message', 'R' => 'reply', 'N' => 'note'][$row['type']] ?? 'other',
            'at' => Instant::optional($row['created_s']),
            'agent_id' => (int) $row['staff_id'] ?: null,
            'user_id' => (int) $row['user_id'] ?: null,
            'source' => $row['source'] ?: null,
            'keys' => self::keys($row, $id),
            'title' => $row['title'] ?: null,
            'text' => self::text($row),
        ], $rows);
    }

    /**
     * What came with a merge was told of another ticket, so it stands for nothing that was told of this one.
     *
     * @param array<string, string|null> $row
     * @return list<string>|null
     */
    private static function keys(array $row, int $id): ?array
    {
        if ($row['note_keys'] === null) {
            return null;
        }
        return (int) $row['ours'] === $id ? json_decode($row['note_keys'], true, 4, JSON_THROW_ON_ERROR) : [];
    }

    /** @param array<string, string|null> $row */
    private static function text(array $row): string
    {
        $body = (string) $row['body'];
        if ($body === '') { // too long for the column: osTicket keeps it in a file
            $entry = \ThreadEntry::lookup((int) $row['id']);
            $body = $entry ? (string) $entry->getBody()->getClean() : '';
        }
        return $row['format'] === 'html' ? Text::ofHtml($body) : trim($body);
    }

    /** @return list<array<string, mixed>> */
    private static function history(int $id): array
    {
        $rows = Database::rows(
            'SELECT v.name, x.data, x.uid, x.uid_type, UNIX_TIMESTAMP(x.timestamp) AS at FROM ' . THREAD_EVENT_TABLE . ' x'
            . ' JOIN ' . THREAD_TABLE . ' t ON t.id = x.thread_id JOIN ' . EVENT_TABLE . ' v ON v.id = x.event_id'
            . " WHERE t.object_type = 'T' AND t.object_id = ? ORDER BY x.timestamp, x.id",
            [$id],
        );
        $history = [];
        foreach ($rows as $row) {
            $data = json_decode((string) $row['data'], true);
            $status = is_array($data) ? ($data['status'] ?? null) : null;
            $status = is_array($status) ? reset($status) : $status;
            // Of edits only a change of status counts here; other data may be a customer's.
            if (in_array($row['name'], self::TOLD, true) && ($row['name'] !== 'edited' || $status !== null)) {
                $history[] = [
                    'at' => Instant::optional($row['at']),
                    'event' => $row['name'],
                    'status_id' => is_numeric($status) ? (int) $status : null,
                    'by' => !$row['uid'] ? 'system' : ($row['uid_type'] === 'S' ? 'agent' : 'user'),
                ];
            }
        }
        return $history;
    }
}
