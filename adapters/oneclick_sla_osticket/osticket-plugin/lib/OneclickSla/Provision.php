<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * The objects that agents see: fields on Ticket Details, badges in the queues, two queues.
 *
 * Made only when the settings ask for them, and found again: fields by name, the queues by the ids that were
 * remembered. Queues and badges are taken away when they are no longer wanted; fields never are, since tickets
 * hold values in them.
 */
final class Provision
{
    private const BADGE = 'OneclickSlaBadge';

    /** Values are named: an empty choice may stand as '' in the table behind the queues, and count as a value. */
    private const QUEUES = [
        'complaints' => ['title' => 'Complaints', 'field' => Fields::STAGE, 'values' => [
            'suspected', 'registered', 'acknowledged', 'investigating', 'responded', 'follow_up',
        ]],
        'at_risk' => ['title' => 'SLA at risk', 'field' => Fields::STATE, 'values' => ['at_risk', 'breached']],
    ];

    private const FIELD_ENABLED = 0x00001; // DynamicFormField::FLAG_ENABLED
    private const FIELD_SEEN = 0x01000; // DynamicFormField::FLAG_AGENT_VIEW
    private const FIELD_EDITED = 0x02000; // DynamicFormField::FLAG_AGENT_EDIT
    private const QUEUE_OF_ITS_OWN = 0x03; // public, in the navigation
    private const QUEUE_UNDER_PARENT = 0x3b; // and with the parent's criteria, columns and sorting

    /** @param list<string> $objects which of Settings::OBJECTS shall stand */
    public static function follow(array $objects): void
    {
        if (in_array('fields', $objects, true)) {
            self::makeFields();
        }
        in_array('queues', $objects, true) ? self::makeQueues() : self::removeQueues();
        self::setBadges(in_array('badges', $objects, true));
    }

    /**
     * @return array{webhook_url: string, delivery: bool,
     *     objects: list<array{name: string, what: string, wanted: bool, stands: bool}>}
     */
    public static function report(Settings $settings): array
    {
        $objects = [];
        $add = static function (string $name, string $what, string $setting, bool $stands) use (&$objects, $settings): void {
            $objects[] = ['name' => $name, 'what' => $what, 'wanted' => $settings->wants($setting), 'stands' => $stands];
        };
        $standing = self::fields();
        foreach (Fields::DEFINITIONS as $name => $definition) {
            $field = $standing[$name] ?? null;
            $enabled = $field !== null && ((int) $field->get('flags') & self::FIELD_ENABLED) !== 0;
            $add("field:$name", "ticket field \"{$definition['label']}\"", 'fields', $enabled);
        }
        $badges = array_map(static fn (object $column): bool => self::hasBadge($column), self::columns());
        $add('badges', 'badges in the column "Subject"', 'badges', $badges !== [] && !in_array(false, $badges, true));
        foreach (self::QUEUES as $name => $queue) {
            $add("queue:$name", "queue \"{$queue['title']}\"", 'queues', self::queue($name) !== null);
        }
        $add('banner', 'banner on the ticket page', 'banner', $settings->wants('banner'));
        return ['webhook_url' => $settings->url, 'delivery' => $settings->wantsDelivery, 'objects' => $objects];
    }

    // Fields

    /** @return array<string, object> our fields by name */
    private static function fields(): array
    {
        $fields = [];
        $form = \TicketForm::objects()->one();
        foreach (\DynamicFormField::objects()->filter(['form_id' => $form->get('id')]) as $field) {
            if (isset(Fields::DEFINITIONS[(string) $field->get('name')])) {
                $fields[(string) $field->get('name')] = $field;
            }
        }
        return $fields;
    }

    private static function makeFields(): void
    {
        $standing = self::fields();
        $form = \TicketForm::objects()->one();
        $sort = 60;
        $changed = false;
        foreach (Fields::DEFINITIONS as $name => $definition) {
            $sort++;
            if (!isset($standing[$name])) {
                $field = \DynamicFormField::create([
                    'form_id' => $form->get('id'),
                    'name' => $name,
                    'label' => $definition['label'],
                    'type' => $definition['type'],
                    'hint' => $definition['hint'] ?? '',
                    'sort' => $sort,
                    'flags' => self::FIELD_ENABLED | self::FIELD_SEEN | (empty($definition['edit']) ? 0 : self::FIELD_EDITED),
                    'configuration' => self::configuration($definition),
                ]);
                $changed = $field->save() || $changed;
            } elseif (((int) $standing[$name]->get('flags') & self::FIELD_ENABLED) === 0) {
                $standing[$name]->set('flags', (int) $standing[$name]->get('flags') | self::FIELD_ENABLED);
                $changed = $standing[$name]->save() || $changed;
            }
        }
        if ($changed) {
            // Every new field drops the table behind the queues; they fail until it is built again.
            \DynamicForm::rebuildDynamicDataViews();
        }
    }

    /**
     * @param array<string, mixed> $definition
     * @return array<string, mixed>
     */
    private static function configuration(array $definition): array
    {
        return match ($definition['type']) {
            'choices' => [
                'choices' => implode("\n", array_map(
                    static fn (string $key, string $label): string => "$key:$label",
                    array_keys($definition['choices']),
                    $definition['choices'],
                )),
                'multiselect' => false,
            ],
            'datetime' => ['time' => true, 'gmt' => true, 'future' => true],
            default => ['size' => 60, 'length' => Fields::LONGEST, 'validator' => 'noop'],
        };
    }

    // Queues

    private static function queue(string $name): ?object
    {
        $id = Register::get("queue_$name");
        return $id === null ? null : (\CustomQueue::lookup((int) $id) ?: null);
    }

    private static function makeQueues(): void
    {
        $fields = self::fields();
        if (!isset($fields[Fields::STATE], $fields[Fields::STAGE])) {
            return; // a queue over a column that does not exist cannot be opened
        }
        $shared = \CustomQueue::objects()->filter(['parent_id' => 0, 'root' => 'T', 'staff_id' => 0]);
        $parent = $shared->order_by('sort', 'id')->first();
        $sort = 90;
        foreach (self::QUEUES as $name => $queue) {
            $sort++;
            if (self::queue($name) !== null) {
                continue;
            }
            $made = \CustomQueue::create([
                'title' => $queue['title'],
                'root' => 'T',
                'parent_id' => $parent ? $parent->getId() : 0,
                'staff_id' => 0,
                'sort' => $sort,
                'flags' => $parent ? self::QUEUE_UNDER_PARENT : self::QUEUE_OF_ITS_OWN,
                'config' => json_encode(
                    ['criteria' => [self::criterion($queue['field'], $queue['values'])], 'conditions' => []],
                    JSON_THROW_ON_ERROR,
                ),
            ]);
            if ($made->save()) {
                Register::set("queue_$name", (string) $made->getId());
            }
        }
    }

    /**
     * @param list<string> $values
     * @return list<mixed>
     */
    private static function criterion(string $field, array $values): array
    {
        $choices = Fields::DEFINITIONS[$field]['choices'];
        return ["cdata__$field", 'includes', array_intersect_key($choices, array_flip($values))];
    }

    private static function removeQueues(): void
    {
        foreach (array_keys(self::QUEUES) as $name) {
            $queue = self::queue($name);
            if ($queue !== null) {
                $queue->delete();
            }
            Register::remove("queue_$name");
        }
    }

    // Badges

    /** @return list<object> */
    private static function columns(): array
    {
        return iterator_to_array(\QueueColumn::objects()->filter(['primary' => 'cdata__subject']), false);
    }

    /** @return list<array<string, string>> */
    private static function annotations(object $column): array
    {
        $annotations = json_decode((string) $column->get('annotations'), true);
        return is_array($annotations) ? array_values(array_filter($annotations, 'is_array')) : [];
    }

    private static function hasBadge(object $column): bool
    {
        return in_array(self::BADGE, array_column(self::annotations($column), 'c'), true);
    }

    private static function setBadges(bool $wanted): void
    {
        $columns = $wanted ? self::columns() : iterator_to_array(\QueueColumn::objects(), false);
        foreach ($columns as $column) {
            if (self::hasBadge($column) !== $wanted) {
                $annotations = array_filter(
                    self::annotations($column),
                    static fn (array $annotation): bool => ($annotation['c'] ?? '') !== self::BADGE,
                );
                if ($wanted) {
                    $annotations[] = ['c' => self::BADGE, 'p' => 'a'];
                }
                $column->set('annotations', json_encode(array_values($annotations), JSON_THROW_ON_ERROR));
                $column->save();
            }
        }
    }
}
