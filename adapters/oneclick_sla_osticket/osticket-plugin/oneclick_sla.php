<?php

/**
 * Entry of the plugin: its settings page, and what is connected on every request.
 *
 * osTicket runs bootstrap() on every page, customers' pages and cron included, so it only connects
 * signals; classes are loaded when something happens. PHP 8.1 to 8.4, osTicket 1.17 and 1.18.
 */

declare(strict_types=1);

require_once INCLUDE_DIR . 'class.plugin.php';

spl_autoload_register(static function (string $class): void {
    if ($class === 'OneclickSlaBadge' || str_starts_with($class, 'OneclickSla\\')) {
        $file = __DIR__ . '/lib/' . str_replace('\\', '/', $class) . '.php';
        if (is_file($file)) {
            require $file;
        }
    }
});

class OneclickSlaConfig extends PluginConfig
{
    /**
     * Every field has an id of its own: osTicket counts them otherwise, and counts differently when it shows the
     * form of a new instance and when it reads it, so that all boxes would come back empty.
     */
    function getOptions()
    {
        return [
            'connection' => new SectionBreakField(['id' => 'sla-connection', 'label' => 'Connection']),
            'secret' => new PasswordField([
                'id' => 'sla-secret',
                'label' => 'Secret',
                'hint' => 'Begins with whsec_, from oneclick-sla; two separated by a blank while one is being '
                    . 'replaced. It is kept encrypted and not shown again. Left empty, it stays as it is.',
                'validator' => 'noop',
                'configuration' => ['size' => 60, 'length' => 300, 'key' => 'oneclick-sla'],
            ]),
            'url' => new TextboxField([
                'id' => 'sla-url',
                'label' => 'Webhook address',
                'hint' => 'Where events are sent. "oneclick-sla install" fills it in.',
                'validator' => 'noop',
                'configuration' => ['size' => 60, 'length' => 500],
            ]),
            'delivery' => new BooleanField([
                'id' => 'sla-delivery',
                'label' => 'Send events',
                'default' => true,
                'configuration' => ['desc' => 'Off: nothing is sent; events are kept for being fetched.'],
            ]),
            'objects' => new SectionBreakField([
                'id' => 'sla-objects',
                'label' => 'What agents see',
                'hint' => 'Made when these settings are saved. Clearing a box takes queues, badges and banner '
                    . 'away; fields stay, because tickets hold values in them.',
            ]),
            'fields' => new BooleanField([
                'id' => 'sla-fields',
                'label' => 'Ticket fields',
                'default' => true,
                'configuration' => ['desc' => 'Add the SLA and complaint fields to "Ticket Details"; customers do not see them.'],
            ]),
            'badges' => new BooleanField([
                'id' => 'sla-badges',
                'label' => 'Badges',
                'default' => true,
                'configuration' => ['desc' => 'Show state, next due date and complaint under the subject in the queues.'],
            ]),
            'queues' => new BooleanField([
                'id' => 'sla-queues',
                'label' => 'Queues',
                'default' => true,
                'configuration' => ['desc' => 'Add the queues "Complaints" and "SLA at risk" under Open.'],
            ]),
            'banner' => new BooleanField([
                'id' => 'sla-banner',
                'label' => 'Banner',
                'default' => true,
                'configuration' => ['desc' => 'Show state and due date above the ticket, to agents only.'],
            ]),
        ];
    }

    /** The form on the settings page: the options, and above them how it stands, once there is a secret. */
    function getFields()
    {
        $settings = \OneclickSla\Settings::of($this);
        $status = $settings->keys === [] ? '' : \OneclickSla\Guard::run(static function () use ($settings): string {
            \OneclickSla\Schema::ensure();
            return \OneclickSla\Status::html($settings);
        }, '');
        $section = ['id' => 'sla-status', 'label' => 'How it stands', 'hint' => $status];
        return ($status === '' ? [] : ['status' => new SectionBreakField($section)]) + $this->getOptions();
    }

    /** Refuses a secret or an address that cannot work, then makes what was asked for. */
    function pre_save(&$config, &$errors)
    {
        $secret = (string) ($config['secret'] ?? '');
        if ($secret === '' && (string) $this->get('secret') === '') {
            $errors['err'] = 'One Click SLA: a secret is needed';
        } elseif ($secret !== '' && \OneclickSla\Signature::keys($secret) === []) {
            $errors['err'] = 'One Click SLA: the secret has to be whsec_ and the base64 of 24 to 64 bytes';
        }
        $url = trim((string) ($config['url'] ?? ''));
        if ($url !== '' && !\OneclickSla\Courier::accepts($url)) {
            $errors['err'] = 'One Click SLA: the webhook address has to begin with https:// or http://';
        }
        $config['url'] = $url;
        if (isset($errors['err'])) {
            return false;
        }
        return \OneclickSla\Guard::run(static function () use ($config): bool {
            \OneclickSla\Schema::ensure();
            \OneclickSla\Provision::follow(\OneclickSla\Settings::wishes($config));
            return true;
        }, false);
    }

    /** The instance is deleted, by itself or with the plugin: tickets, fields and their values stay. */
    function purge()
    {
        \OneclickSla\Guard::run(static function (): void {
            \OneclickSla\Provision::follow([]);
            \OneclickSla\Schema::drop();
        });
        return parent::purge();
    }
}

class OneclickSlaPlugin extends Plugin
{
    var $config_class = 'OneclickSlaConfig';

    function isMultiInstance()
    {
        return false;
    }

    function bootstrap()
    {
        // The configuration is only right in here: osTicket takes it away afterwards.
        $config = $this->getConfig();
        \OneclickSla\Guard::run(static fn () => \OneclickSla\Connection::open(\OneclickSla\Settings::of($config)));
    }
}
