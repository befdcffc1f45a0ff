<?php

/** The parts of osTicket around tickets: signals, plugins, settings, routes, formats. */

declare(strict_types=1);

final class Signal
{
    /** @var array<string, list<array{0: ?string, 1: callable, 2: ?callable}>> */
    private static array $subscribers = [];

    public static function connect($signal, $callable, $object = null, $check = null): void
    {
        self::$subscribers[$signal][] = [$object, $callable, $check];
    }

    /** As in osTicket: an exception of a subscriber is the sender's. */
    public static function send($signal, $object, &$data = null): void
    {
        foreach (self::$subscribers[$signal] ?? [] as [$class, $callable, $check]) {
            if (($class && !is_a($object, $class)) || ($check && !call_user_func_array($check, [$object, $data]))) {
                continue;
            }
            call_user_func_array($callable, [$object, &$data]);
        }
    }
}

class FormFieldDouble
{
    public function __construct(public array $options = [])
    {
    }

    public function get($name)
    {
        return $this->options[$name] ?? null;
    }
}

class SectionBreakField extends FormFieldDouble
{
}

class PasswordField extends FormFieldDouble
{
}

class TextboxField extends FormFieldDouble
{
}

class BooleanField extends FormFieldDouble
{
}

/** Settings of an instance; the real one keeps them in the table of the configuration. */
class PluginConfig
{
    public bool $purged = false;

    public function __construct(private array $values = [])
    {
    }

    public function get($name, $default = null)
    {
        return $this->values[$name] ?? $default;
    }

    public function set($name, $value)
    {
        return $this->values[$name] = $value;
    }

    public function purge()
    {
        return $this->purged = true;
    }
}

class Plugin
{
    public ?PluginConfig $config = null;

    public function getConfig()
    {
        return $this->config;
    }
}

final class Dispatcher
{
    /** @var list<array{0: string, 1: callable}> */
    private array $urls = [];

    public function append($url): void
    {
        $this->urls[] = $url;
    }

    public function resolve(string $path)
    {
        foreach ($this->urls as [$pattern, $function]) {
            if (preg_match("@$pattern@", urldecode($path)) === 1) {
                return $function();
            }
        }
        http_response_code(400);
        return 'URL not supported';
    }
}

function url($regex, $function, $args = false, $method = false): array
{
    return [$regex, $function];
}

final class Format
{
    public static function datetime($timestamp, $fromDb = true): string
    {
        return gmdate('j M Y H:i', (int) $timestamp);
    }

    public static function parseDateTime($text): ?DateTime
    {
        try {
            return new DateTime($text, new DateTimeZone('UTC'));
        } catch (Exception) {
            return null;
        }
    }
}

final class ConfigDouble
{
    public string $databaseZone = DATABASE_ZONE;

    public function getDbTimezone(): string
    {
        return $this->databaseZone;
    }

    public function getTimezone(): string
    {
        return 'Europe/Madrid';
    }

    public function alertONNewActivity(): string
    {
        return '1';
    }
}

/** A list of models, as far as the plugin asks. */
final class QuerySetDouble extends ArrayIterator
{
    public function filter(array $criteria): self
    {
        return new self(array_values(array_filter(
            $this->getArrayCopy(),
            static function (object $model) use ($criteria): bool {
                foreach ($criteria as $name => $value) {
                    if ($model->get($name) != $value) {
                        return false;
                    }
                }
                return true;
            },
        )));
    }

    public function order_by(string ...$names): self
    {
        return $this;
    }

    public function first()
    {
        return $this->getArrayCopy()[0] ?? null;
    }

    public function one()
    {
        return $this->first();
    }
}

/** A row that remembers what was changed, and tells so when it is saved. */
class ModelDouble
{
    protected array $dirty = [];

    public function __construct(public array $ht = [])
    {
    }

    public function get($name)
    {
        return $this->ht[$name] ?? null;
    }

    public function set($name, $value): void
    {
        if (($this->ht[$name] ?? null) !== $value) {
            $this->dirty[$name] ??= $this->ht[$name] ?? null;
            $this->ht[$name] = $value;
        }
    }

    public function __get($name)
    {
        return $this->get($name);
    }

    public function __set($name, $value)
    {
        $this->set($name, $value);
    }

    protected function told(string $signal): void
    {
        $data = ['dirty' => $this->dirty];
        $this->dirty = [];
        Signal::send($signal, $this, $data);
    }
}

abstract class QueueColumnAnnotation
{
    public function __construct(public array $config = [])
    {
    }

    abstract static function annotate($query, $name);

    abstract function getDecoration($row, $text);
}
