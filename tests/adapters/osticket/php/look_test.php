<?php

declare(strict_types=1);

use OneclickSla\{Banner, Look, Provision, Schema, Settings};

$words = static fn (array $badges): array => array_column($badges, 0);
$filled = static fn (array $values): array => array_map(static fn (string $value): array => ['value' => $value, 'text' => ucfirst($value)], $values);
$row = static fn (array $columns): array => array_combine(array_map(static fn (string $name): string => "cdata__$name", array_keys($columns)), $columns);
/** What the page shows to whoever is looking. */
$page = static function (Ticket $ticket): string {
    ob_start();
    $type = ['type' => 'viewed'];
    Signal::send('object.view', $ticket, $type);
    return (string) ob_get_clean();
};
$prepared = static function (array $settings = []): Ticket {
    Helpdesk::build();
    start($settings);
    Schema::ensure();
    Provision::follow(Settings::OBJECTS);
    $ticket = Helpdesk::ticket();
    OneclickSla\Writer::apply(1, OneclickSla\Order::read('{"key":"k","fields":{"sla_state":"at_risk","sla_next_due_at":"2030-01-02T03:04:05Z"}}'));
    return $ticket;
};

return [
    'queues show what is due, trouble and complaints that are not over, and nothing else' => static function () use ($words): void {
        foreach ([
            [['on_track', null, []], []],
            [['on_track', null, [], 'Monday'], ['Due Monday']],
            [['at_risk', null, []], ['At risk']],
            [['at_risk', null, [], 'Monday'], ['At risk, due Monday']],
            [['breached', 'registered', []], ['Breached', 'Complaint']],
            [[null, 'suspected', []], ['Complaint?']],
            [['on_track', 'closed', ['sla_sensitive_data', 'vip']], ['Sensitive data']],
            [[null, 'rejected', []], []],
            [['paused', null, [], 'Monday'], []],
        ] as [$given, $shown]) {
            same($shown, $words(Look::badges(...$given)));
        }
    },
    'a badge reads the columns in both forms that osTicket stores' => static function () use ($prepared, $row): void {
        $prepared();
        $badge = new OneclickSlaBadge([]);
        foreach (['at_risk', 'at_risk,At risk', '{"at_risk":"At risk"}'] as $stored) {
            same(true, str_contains((string) $badge->getDecoration($row(['sla_state' => $stored]), ''), '>At risk<'), $stored);
        }
        foreach (['2030-01-02T03:04:05Z', '2030-01-01 22:04:05 -05', '1893553445'] as $stored) {
            $shown = $badge->getDecoration($row(['sla_state' => 'on_track', 'sla_next_due_at' => $stored]), '');
            same('Due 2 Jan 2030 03:04', strip_tags((string) $shown), $stored);
        }
        foreach (['0', ''] as $stored) {
            same(false, $badge->isVisible($row(['sla_state' => 'on_track', 'sla_next_due_at' => $stored])), $stored);
        }
        same([false, false], [$badge->getDecoration($row(['sla_state' => '']), ''), $badge->isVisible($row([]))]);
    },
    'without the columns the queue is asked for nothing, and does not fail' => static function () use ($row): void {
        Helpdesk::build();
        start();
        $query = new class () {
            public function values(string ...$names): never
            {
                throw new Failure('asked for ' . implode(', ', $names));
            }
        };
        same($query, OneclickSlaBadge::annotate($query));
        same(false, (new OneclickSlaBadge([]))->getDecoration($row(['sla_state' => 'at_risk']), ''));
    },
    'the banner says how the ticket stands, and until when' => static function () use ($filled): void {
        $html = Banner::html($filled([
            'sla_state' => 'breached', 'sla_next_due_at' => 'monday', 'sla_complaint_stage' => 'registered',
            'sla_complaint_number' => '2026-000017', 'sla_tags' => 'vip, sla_threat',
        ]));
        same('SLA: Breached · next due Monday · Complaint 2026-000017: registered Threat', html_entity_decode(strip_tags($html)));
    },
    'a ticket of which nothing is known has no banner' => static function () use ($filled): void {
        same('', Banner::html([]));
        same('', Banner::html($filled(['sla_tags' => 'vip'])));
    },
    'what agents typed is shown as text' => static function () use ($filled): void {
        same(false, str_contains(Banner::html($filled(['sla_complaint_stage' => 'registered', 'sla_complaint_number' => '<script>'])), '<script>'));
    },
    'agents see the banner' => static function () use ($prepared, $page): void {
        $ticket = $prepared();
        define('OSTSCPINC', true);
        $GLOBALS['thisstaff'] = new stdClass();
        same('SLA: At risk · next due 2 Jan 2030 03:04', trim(html_entity_decode(strip_tags($page($ticket)))));
    },
    'customers do not see the banner' => static function () use ($prepared, $page): void {
        $ticket = $prepared();
        $GLOBALS['thisclient'] = new stdClass();
        same('', $page($ticket));
        $GLOBALS['thisstaff'] = new stdClass();
        same('', $page($ticket), 'an agent who looks at the customer\'s page');
    },
    'nobody sees it when it is switched off' => static function () use ($prepared, $page): void {
        $ticket = $prepared(['banner' => false]);
        define('OSTSCPINC', true);
        $GLOBALS['thisstaff'] = new stdClass();
        same('', $page($ticket));
    },
];
