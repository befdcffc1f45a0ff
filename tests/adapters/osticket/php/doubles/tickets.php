<?php

/** Tickets, their threads and forms, over the tables that the plugin reads itself. */

declare(strict_types=1);

/** A made-up helpdesk: tables, statuses, priorities, the built-in form. */
final class Helpdesk
{
    private const TABLES = [
        'ticket' => 'ticket_id INTEGER PRIMARY KEY, ticket_pid INT, number TEXT, user_id INT DEFAULT 7, status_id INT DEFAULT 1, dept_id INT DEFAULT 1,
            sla_id INT DEFAULT 0, topic_id INT DEFAULT 0, staff_id INT DEFAULT 0, team_id INT DEFAULT 0, email_id INT DEFAULT 0, flags INT DEFAULT 0,
            source TEXT DEFAULT "Email", isoverdue INT DEFAULT 0, isanswered INT DEFAULT 0, duedate TEXT, est_duedate TEXT, reopened TEXT, closed TEXT,
            lastupdate TEXT, created TEXT, updated TEXT',
        'ticket_status' => 'id INTEGER PRIMARY KEY, name TEXT, state TEXT',
        'ticket_priority' => 'priority_id INTEGER PRIMARY KEY, priority TEXT, priority_desc TEXT, priority_urgency INT',
        'department' => 'id INTEGER PRIMARY KEY, name TEXT',
        'help_topic' => 'topic_id INTEGER PRIMARY KEY, topic TEXT',
        'sla' => 'id INTEGER PRIMARY KEY, name TEXT',
        'user' => 'id INTEGER PRIMARY KEY, org_id INT',
        'email' => 'email_id INTEGER PRIMARY KEY, email TEXT',
        'config' => 'id INTEGER PRIMARY KEY, namespace TEXT, `key` TEXT, value TEXT, UNIQUE(namespace, `key`)',
        'thread' => 'id INTEGER PRIMARY KEY, object_id INT, object_type TEXT',
        'thread_entry' => 'id INTEGER PRIMARY KEY, thread_id INT, type TEXT, staff_id INT DEFAULT 0, user_id INT DEFAULT 0, poster TEXT, title TEXT,
            body TEXT, format TEXT DEFAULT "html", source TEXT DEFAULT "", flags INT DEFAULT 0, created TEXT, updated TEXT',
        'thread_event' => 'id INTEGER PRIMARY KEY, thread_id INT, event_id INT, data TEXT, username TEXT, uid INT, uid_type TEXT DEFAULT "S", timestamp TEXT',
        'event' => 'id INTEGER PRIMARY KEY, name TEXT',
        'form_entry' => 'id INTEGER PRIMARY KEY, object_id INT, object_type TEXT',
        'form_entry_values' => 'entry_id INT, field_id INT, value TEXT, value_id INT, UNIQUE(entry_id, field_id)',
        'ticket__cdata' => 'ticket_id INT, subject TEXT, priority TEXT',
    ];

    /** Makes the tables unless they stand, and the form's own fields, which live for one request. */
    public static function build(): void
    {
        DynamicFormField::$fields = new QuerySetDouble();
        $stands = self::one("SELECT COUNT(*) FROM sqlite_master WHERE name = 'ost_ticket'");
        $stands ?: self::tables();
        self::field('subject', 'text');
        self::field('priority', 'priority');
    }

    private static function tables(): void
    {
        foreach (self::TABLES as $name => $columns) {
            self::run('CREATE TABLE ' . TABLE_PREFIX . "$name ($columns)");
        }
        foreach ([
            'ticket_status' => [[1, 'Open', 'open'], [2, 'Resolved', 'closed'], [3, 'Closed', 'closed']],
            'ticket_priority' => [[1, 'low', 'Low', 4], [2, 'normal', 'Normal', 3], [3, 'high', 'High', 2], [4, 'emergency', 'Urgent!', 1]],
            'department' => [[1, 'Support']],
            'user' => [[7, 0]],
            'email' => [[1, 'support@example.com']],
            'event' => [[1, 'created'], [2, 'closed'], [3, 'reopened'], [8, 'overdue'], [9, 'edited'], [13, 'merged']],
        ] as $table => $rows) {
            foreach ($rows as $row) {
                self::run('INSERT INTO ' . TABLE_PREFIX . "$table VALUES (" . implode(',', array_map([self::class, 'quote'], $row)) . ')');
            }
        }
    }

    public static function field(string $name, string $type, array $configuration = []): DynamicFormField
    {
        $field = DynamicFormField::create([
            'form_id' => 2, 'name' => $name, 'label' => ucfirst($name), 'type' => $type, 'flags' => 1, 'configuration' => $configuration,
        ]);
        $field->save();
        return $field;
    }

    /** A customer's ticket with its first message, made at $at. */
    public static function ticket(string $subject = 'Printer', string $message = '<p>It does not print.</p>', ?int $at = null): Ticket
    {
        $at ??= time();
        $local = DoubleDatabase::local($at);
        self::insert('ticket', ['number' => (string) random_int(100000, 999999), 'created' => $local, 'updated' => $local, 'lastupdate' => $local]);
        $id = self::id();
        self::insert('thread', ['object_id' => $id, 'object_type' => 'T']);
        $thread = self::id();
        self::insert('form_entry', ['object_id' => $id, 'object_type' => 'T']);
        $entry = self::id();
        self::insert('form_entry_values', ['entry_id' => $entry, 'field_id' => 1, 'value' => $subject]);
        self::insert('form_entry_values', ['entry_id' => $entry, 'field_id' => 2, 'value' => 'Normal', 'value_id' => 2]);
        self::insert('thread_entry', [
            'thread_id' => $thread, 'type' => 'M', 'user_id' => 7, 'poster' => 'Clara', 'body' => $message, 'source' => 'Email',
            'created' => $local, 'updated' => $local,
        ]);
        self::insert('thread_event', ['thread_id' => $thread, 'event_id' => 1, 'uid' => 7, 'uid_type' => 'U', 'timestamp' => $local]);
        return Ticket::lookup($id);
    }

    public static function insert(string $table, array $values): void
    {
        $names = implode(',', array_keys($values));
        $quoted = implode(',', array_map([self::class, 'quote'], $values));
        self::run('INSERT INTO ' . TABLE_PREFIX . "$table ($names) VALUES ($quoted)");
    }

    public static function id(): int
    {
        return (int) DoubleDatabase::pdo()->lastInsertId();
    }

    public static function run(string $sql): void
    {
        if (db_query($sql) === false) {
            throw new RuntimeException("double: $sql");
        }
    }

    public static function quote(mixed $value): string
    {
        return $value === null ? 'NULL' : (is_int($value) ? (string) $value : DoubleDatabase::pdo()->quote((string) $value));
    }

    public static function one(string $sql): mixed
    {
        return DoubleDatabase::pdo()->query($sql)->fetchColumn();
    }
}

final class Ticket extends ModelDouble
{
    /** Raised by the next note or reply after its entry was saved: the request dies there. */
    public static ?Throwable $dies = null;
    public static int $mails = 0;

    public static function lookup($id): ?self
    {
        $row = DoubleDatabase::pdo()->query('SELECT * FROM ost_ticket WHERE ticket_id = ' . (int) $id)->fetch(PDO::FETCH_ASSOC);
        return $row ? new self($row) : null;
    }

    public function getId(): int
    {
        return (int) $this->ht['ticket_id'];
    }

    public function isClosed(): bool
    {
        return Helpdesk::one('SELECT state FROM ost_ticket_status WHERE id = ' . (int) $this->status_id) === 'closed';
    }

    public function getDept(): object
    {
        return new class () {
            public function getName(): string
            {
                return 'Support';
            }
        };
    }

    public function save(): bool
    {
        foreach (array_keys($this->dirty) as $column) {
            Helpdesk::run("UPDATE ost_ticket SET $column = " . Helpdesk::quote($this->ht[$column]) . ' WHERE ticket_id = ' . $this->getId());
        }
        if ($this->dirty) {
            $this->told('model.updated');
        }
        return true;
    }

    public function delete(): void
    {
        Helpdesk::run('DELETE FROM ost_ticket WHERE ticket_id = ' . $this->getId());
        Signal::send('model.deleted', $this);
    }

    public function updateEstDueDate($clearOverdue = true): bool
    {
        if ($clearOverdue) {
            $this->isoverdue = 0;
        }
        return $this->save();
    }

    public function logEvent($state, $data = null, $user = null): void
    {
        if (($data['fields'] ?? null) === []) {
            throw new Failure('osTicket asks for fields "IN ()" when it shows this, and the page dies');
        }
        Helpdesk::insert('thread_event', [
            'thread_id' => $this->thread(), 'event_id' => (int) Helpdesk::one("SELECT id FROM ost_event WHERE name = '$state'"),
            'data' => $data === null ? null : json_encode($data), 'username' => $user, 'timestamp' => DoubleDatabase::local(time()),
        ]);
    }

    public function postNote($vars, &$errors, $poster = false, $alert = true): ThreadEntry
    {
        return $this->post('N', $vars['note'], $poster, $vars['title'] ?? null, $alert);
    }

    public function postReply($vars, &$errors, $alert = true, $claim = true): ThreadEntry
    {
        $this->isanswered = 1;
        $this->save();
        // As in osTicket: without recipients the reply is posted and mailed to nobody.
        return $this->post('R', $vars['response'], $vars['poster'], null, $alert && ($vars['reply-to'] ?? null) === 'all');
    }

    public function customerWrites(string $html): ThreadEntry
    {
        return $this->post('M', new HtmlThreadEntryBody($html), 'Clara', null, false, 7);
    }

    private function post(string $type, HtmlThreadEntryBody $body, string $poster, ?string $title, bool $alert, int $user = 0): ThreadEntry
    {
        $now = DoubleDatabase::local(time());
        Helpdesk::insert('thread_entry', [
            'thread_id' => $this->thread(), 'type' => $type, 'user_id' => $user, 'poster' => $poster, 'title' => $title, 'body' => $body->getClean(),
            'created' => $now, 'updated' => $now,
        ]);
        $entry = new ThreadEntry(['id' => Helpdesk::id(), 'type' => $type, 'user_id' => $user, 'staff_id' => 0, 'ticket' => $this->getId()]);
        Signal::send('threadentry.created', $entry);
        self::$mails += $alert ? 1 : 0;
        if (self::$dies) {
            [$error, self::$dies] = [self::$dies, null];
            throw $error;
        }
        return $entry;
    }

    private function thread(): int
    {
        return (int) Helpdesk::one("SELECT id FROM ost_thread WHERE object_type = 'T' AND object_id = " . $this->getId());
    }
}

final class ThreadEntry extends ModelDouble
{
    public function getId(): int
    {
        return (int) $this->id;
    }

    public function getType(): string
    {
        return $this->type;
    }

    public function getUserId(): int
    {
        return (int) $this->user_id;
    }

    public function getStaffId(): int
    {
        return (int) $this->staff_id;
    }

    public function getThread(): object
    {
        return new class ((int) $this->ticket, (string) ($this->object_type ?? 'T')) {
            public function __construct(private int $id, private string $type)
            {
            }

            public function getObjectId(): int
            {
                return $this->id;
            }

            public function getObjectType(): string
            {
                return $this->type;
            }
        };
    }
}

class HtmlThreadEntryBody
{
    public function __construct(protected string $body)
    {
    }

    /** Decodes before it cleans, as osTicket does. */
    public function getClean()
    {
        return strip_tags(html_entity_decode($this->body, ENT_QUOTES), '<p><br><b>');
    }
}

final class User extends ModelDouble
{
    public static function lookup($id): ?self
    {
        $row = DoubleDatabase::pdo()->query('SELECT * FROM ost_user WHERE id = ' . (int) $id)->fetch(PDO::FETCH_ASSOC);
        return $row ? new self($row) : null;
    }

    public function getName(): string
    {
        return 'Clara';
    }

    public function getEmail(): string
    {
        return 'clara@example.com';
    }

    public function getDynamicData($create = true): array
    {
        return DynamicFormEntry::of('U', (int) $this->id);
    }
}

final class Priority
{
    private function __construct(public int $id, public string $label)
    {
    }

    public static function lookup($id): self
    {
        return new self((int) $id, (string) Helpdesk::one('SELECT priority_desc FROM ost_ticket_priority WHERE priority_id = ' . (int) $id));
    }
}
