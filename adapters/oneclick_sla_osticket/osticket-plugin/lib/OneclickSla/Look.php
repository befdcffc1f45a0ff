<?php

declare(strict_types=1);

namespace OneclickSla;

/** Words and colours for agents, the same in queues and on the ticket page. */
final class Look
{
    private const AMBER = ['#8a5a00', '#fff3d6'];
    private const RED = ['#a4161a', '#fde7e7'];
    private const PURPLE = ['#5b2a86', '#f1e8fa'];
    private const GREEN = ['#256029', '#e6f4e7'];

    private const FLAGS = [
        'sla_sensitive_data' => ['Sensitive data', self::RED],
        'sla_threat' => ['Threat', self::RED],
        'sla_abusive' => ['Abusive', self::AMBER],
        'sla_info_missing' => ['Information missing', self::AMBER],
        'sla_estimate_missing' => ['Estimate missing', self::AMBER],
    ];

    /** Stages in which nobody has to do anything any more. */
    private const ENDED = ['closed', 'rejected', 'withdrawn', 'duplicate'];

    private const STATES = ['on_track' => '', 'at_risk' => 'At risk', 'breached' => 'Breached'];

    /**
     * What is worth a badge in a queue: until when something is due, trouble, and complaints that are not over.
     *
     * @param list<string> $tags
     * @param string $due the next due instant in the agent's words, '' when nothing is due
     * @return list<array{0: string, 1: array{0: string, 1: string}}> text; colours of text and ground
     */
    public static function badges(?string $state, ?string $stage, array $tags, string $due = ''): array
    {
        $badges = [];
        if (isset(self::STATES[$state ?? ''])) {
            $words = implode(', ', array_filter([self::STATES[$state], $due === '' ? '' : "due $due"]));
            if ($words !== '') {
                $badges[] = [ucfirst($words), self::ofState($state)];
            }
        }
        if ($stage !== null && $stage !== '' && !in_array($stage, self::ENDED, true)) {
            $badges[] = [$stage === 'suspected' ? 'Complaint?' : 'Complaint', self::PURPLE];
        }
        if (in_array('sla_sensitive_data', $tags, true)) {
            $badges[] = self::FLAGS['sla_sensitive_data'];
        }
        return $badges;
    }

    /**
     * @param list<string> $tags
     * @return list<array{0: string, 1: array{0: string, 1: string}}>
     */
    public static function flags(array $tags): array
    {
        return array_values(array_intersect_key(self::FLAGS, array_flip($tags)));
    }

    /** @return array{0: string, 1: string} colours of text and ground */
    public static function ofState(?string $state): array
    {
        return ['breached' => self::RED, 'at_risk' => self::AMBER, 'on_track' => self::GREEN][$state ?? ''] ?? self::PURPLE;
    }

    /** @param array{0: string, 1: string} $colours */
    public static function badge(string $text, array $colours): string
    {
        return sprintf(
            '<span style="display:inline-block;padding:0 5px;margin:0 4px 0 0;border-radius:3px;font-size:10px;'
            . 'font-weight:bold;line-height:15px;white-space:nowrap;vertical-align:middle;'
            . 'color:%1$s;background:%2$s;border:1px solid %1$s40">%3$s</span>',
            $colours[0],
            $colours[1],
            htmlspecialchars($text, ENT_QUOTES, 'UTF-8'),
        );
    }
}
