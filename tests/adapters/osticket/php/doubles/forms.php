<?php

/** Forms, their fields and answers; queues and columns. */

declare(strict_types=1);

final class DynamicFormField extends ModelDouble
{
    public static QuerySetDouble $fields;

    public static function create($values): self
    {
        return new self($values);
    }

    public static function objects(): QuerySetDouble
    {
        return self::$fields;
    }

    public function save(): bool
    {
        if (!isset($this->ht['id'])) {
            $this->ht['id'] = count(self::$fields) + 1;
            self::$fields[] = $this;
            // As in osTicket: every new field drops the table behind the queues.
            Helpdesk::run('DROP TABLE IF EXISTS ost_ticket__cdata');
        }
        return true;
    }

    public function getConfiguration(): array
    {
        return $this->ht['configuration'] ?? [];
    }

    public function hasData(): bool
    {
        return true;
    }

    public function getChoices(): array
    {
        $choices = [];
        foreach (explode("\n", $this->getConfiguration()['choices'] ?? '') as $line) {
            [$key, $label] = explode(':', $line, 2) + [1 => ''];
            $choices[$key] = $label;
        }
        return $choices;
    }

    public function to_database($value)
    {
        return match (true) {
            $value instanceof Priority => [$value->label, $value->id],
            $this->get('type') === 'choices' => json_encode([$value => $this->getChoices()[$value]]),
            default => $value,
        };
    }
}

final class DynamicFormEntry extends ModelDouble
{
    public static function forTicket($ticket, $force = false): array
    {
        return self::of('T', (int) $ticket);
    }

    public static function of(string $type, int $id): array
    {
        $rows = DoubleDatabase::pdo()->query("SELECT * FROM ost_form_entry WHERE object_type = '$type' AND object_id = $id")->fetchAll(PDO::FETCH_ASSOC);
        return array_map(static fn (array $row): self => new self($row), $rows);
    }

    public function getAnswers(): array
    {
        $all = 'SELECT * FROM ost_form_entry_values WHERE entry_id = ' . (int) $this->id . ' ORDER BY field_id';
        $rows = DoubleDatabase::pdo()->query($all)->fetchAll(PDO::FETCH_ASSOC);
        return array_map(static fn (array $row): DynamicFormEntryAnswer => new DynamicFormEntryAnswer($row), $rows);
    }

    public function addMissingFields(): void
    {
        foreach (DynamicFormField::$fields as $field) {
            Helpdesk::run('INSERT OR IGNORE INTO ost_form_entry_values (entry_id, field_id) VALUES (' . (int) $this->id . ', ' . (int) $field->get('id') . ')');
        }
    }
}

final class DynamicFormEntryAnswer extends ModelDouble
{
    public function getField(): DynamicFormField
    {
        return DynamicFormField::$fields->filter(['id' => $this->field_id])->first();
    }

    public function getEntry(): DynamicFormEntry
    {
        return new DynamicFormEntry(DoubleDatabase::pdo()->query('SELECT * FROM ost_form_entry WHERE id = ' . (int) $this->entry_id)->fetch(PDO::FETCH_ASSOC));
    }

    public function toString(): string
    {
        $choice = json_decode((string) $this->value, true);
        return is_array($choice) ? (string) reset($choice) : (string) $this->value;
    }

    public function setValue($value, $id = false): void
    {
        $this->set('value', $value);
        if ($id !== false) {
            $this->set('value_id', $id);
        }
    }

    public function save($refetch = false): bool
    {
        Helpdesk::run('UPDATE ost_form_entry_values SET value = ' . Helpdesk::quote($this->value) . ', value_id = ' . Helpdesk::quote($this->value_id)
            . ' WHERE entry_id = ' . (int) $this->entry_id . ' AND field_id = ' . (int) $this->field_id);
        $this->told('model.updated');
        return true;
    }
}

final class TicketForm
{
    public static function objects(): QuerySetDouble
    {
        return new QuerySetDouble([new ModelDouble(['id' => 2])]);
    }

    public static function getInstance(): object
    {
        return new class () {
            public function getFields(): QuerySetDouble
            {
                return DynamicFormField::$fields;
            }
        };
    }
}

final class DynamicForm
{
    public static function rebuildDynamicDataViews(): void
    {
        $columns = array_map(static fn (object $field): string => $field->get('name') . ' TEXT', iterator_to_array(DynamicFormField::$fields));
        Helpdesk::run('DROP TABLE IF EXISTS ost_ticket__cdata');
        Helpdesk::run('CREATE TABLE ost_ticket__cdata (ticket_id INT, ' . implode(', ', $columns) . ')');
    }
}

final class CustomQueue extends ModelDouble
{
    /** @var array<int, self> */
    public static array $queues = [];

    public static function objects(): QuerySetDouble
    {
        return new QuerySetDouble(array_values(self::$queues));
    }

    public static function lookup($id): ?self
    {
        return self::$queues[(int) $id] ?? null;
    }

    public static function create($values): self
    {
        return new self($values);
    }

    public function getId(): int
    {
        return (int) $this->id;
    }

    public function save(): bool
    {
        $this->ht['id'] ??= max([0, ...array_keys(self::$queues)]) + 1;
        self::$queues[$this->getId()] = $this;
        return true;
    }

    public function delete(): void
    {
        unset(self::$queues[$this->getId()]);
    }
}

final class QueueColumn extends ModelDouble
{
    /** @var list<self> */
    public static array $columns = [];

    public static function objects(): QuerySetDouble
    {
        return new QuerySetDouble(self::$columns);
    }

    public function save(): bool
    {
        return true;
    }
}
