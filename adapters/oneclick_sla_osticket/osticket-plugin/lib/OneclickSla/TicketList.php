<?php

declare(strict_types=1);

namespace OneclickSla;

/** Long lists of tickets in pages, by a cursor that stays right while tickets move. */
final class TicketList
{
    public const LARGEST = 500;

    /**
     * Tickets that changed at or after an instant, oldest change first; a ticket that changes meanwhile comes
     * again at its new place. What leaves the ticket's own row alone counts too: notes by their entry, and the
     * entries that came with a merge by its line in the history.
     *
     * @return array{tickets: list<array<string, mixed>>, cursor: string, more: bool}
     */
    public static function changed(int $since, ?string $cursor, int $limit): array
    {
        [$at, $id] = $cursor === null ? [$since, 0] : self::position($cursor);
        $rows = Database::rows(
            'SELECT c.id, MAX(c.at) AS at, t.number, s.state FROM ('
            . 'SELECT ticket_id AS id, GREATEST(UNIX_TIMESTAMP(updated), UNIX_TIMESTAMP(COALESCE(lastupdate, created))) AS at'
            . ' FROM ' . TICKET_TABLE
            . ' WHERE updated >= FROM_UNIXTIME(?) OR lastupdate >= FROM_UNIXTIME(?)'
            . ' UNION ALL SELECT h.object_id, UNIX_TIMESTAMP(e.created) FROM ' . THREAD_ENTRY_TABLE . ' e JOIN ' . THREAD_TABLE
            . " h ON h.id = e.thread_id AND h.object_type = 'T' WHERE e.created >= FROM_UNIXTIME(?)"
            . ' UNION ALL SELECT h.object_id, UNIX_TIMESTAMP(x.timestamp) FROM ' . THREAD_EVENT_TABLE . ' x JOIN ' . EVENT_TABLE
            . " v ON v.id = x.event_id AND v.name = 'merged' JOIN " . THREAD_TABLE
            . " h ON h.id = x.thread_id AND h.object_type = 'T' WHERE x.timestamp >= FROM_UNIXTIME(?)"
            . ') c JOIN ' . TICKET_TABLE . ' t ON t.ticket_id = c.id'
            . ' LEFT JOIN ' . TICKET_STATUS_TABLE . ' s ON s.id = t.status_id'
            . ' GROUP BY c.id, t.number, s.state HAVING MAX(c.at) > ? OR (MAX(c.at) = ? AND c.id > ?)'
            . ' ORDER BY at, c.id LIMIT ' . ($limit + 1),
            [$at, $at, $at, $at, $at, $at, $id],
        );
        return self::page($rows, $limit, $cursor ?? "$since:0", static fn (array $last): string => "{$last['at']}:{$last['id']}");
    }

    /**
     * Tickets whose status is of the state "open", by id.
     *
     * @return array{tickets: list<array<string, mixed>>, cursor: string, more: bool}
     */
    public static function unsolved(?string $cursor, int $limit): array
    {
        if ($cursor !== null && !ctype_digit($cursor)) {
            throw new Refusal(422, 'validation', ['fields' => ['cursor' => 'cursor']]);
        }
        $rows = Database::rows(
            'SELECT t.ticket_id AS id, UNIX_TIMESTAMP(t.updated) AS at, t.number, s.state FROM ' . TICKET_TABLE . ' t JOIN '
            . TICKET_STATUS_TABLE . " s ON s.id = t.status_id WHERE s.state = 'open' AND t.ticket_id > ?"
            . ' ORDER BY t.ticket_id LIMIT ' . ($limit + 1),
            [(int) $cursor],
        );
        return self::page($rows, $limit, $cursor ?? '0', static fn (array $last): string => (string) $last['id']);
    }

    /**
     * @param list<array<string, string|null>> $rows one more than the limit when there are more
     * @return array{tickets: list<array<string, mixed>>, cursor: string, more: bool}
     */
    private static function page(array $rows, int $limit, string $cursor, callable $place): array
    {
        $more = count($rows) > $limit;
        $rows = array_slice($rows, 0, $limit);
        return [
            'tickets' => array_map(static fn (array $row): array => [
                'id' => (int) $row['id'],
                'number' => $row['number'],
                'changed_at' => Instant::optional($row['at']),
                'state' => $row['state'],
            ], $rows),
            'cursor' => $rows === [] ? $cursor : $place(end($rows)),
            'more' => $more,
        ];
    }

    /** @return array{0: int, 1: int} */
    private static function position(string $cursor): array
    {
        if (preg_match('/^(\d{1,12}):(\d{1,12})$/D', $cursor, $found) !== 1) {
            throw new Refusal(422, 'validation', ['fields' => ['cursor' => 'cursor']]);
        }
        return [(int) $found[1], (int) $found[2]];
    }
}
