<?php

declare(strict_types=1);

namespace OneclickSla;

/** What this plugin hangs on osTicket's signals, for one request. */
final class Connection
{
    private static ?Settings $settings = null;

    public static function open(Settings $settings): void
    {
        self::$settings = $settings;
        if ($settings->keys !== []) {
            Collector::connect(static fn (): Settings => self::settings());
        }
        \Signal::connect('api', static fn ($dispatcher) => Guard::run(static fn () => Api::register($dispatcher)));
        \Signal::connect('ajax.scp', static fn () => class_exists('OneclickSlaBadge'));
        if ($settings->wants('banner')) {
            \Signal::connect('object.view', static fn ($ticket) => Guard::run(static fn () => Banner::show($ticket)), 'Ticket');
        }
    }

    public static function settings(): Settings
    {
        return self::$settings ?? throw new \LogicException('no instance of the plugin is enabled');
    }

    public static function replace(Settings $settings): void
    {
        self::$settings = $settings;
    }
}
