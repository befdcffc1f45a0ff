<?php

declare(strict_types=1);

namespace OneclickSla;

/** The settings of the one instance, as they stood when the request began. */
final class Settings
{
    /** Objects that the plugin makes when asked to, by the name of their setting. */
    public const OBJECTS = ['fields', 'badges', 'queues', 'banner'];

    public readonly bool $delivery;

    /**
     * @param list<string> $keys          secrets in raw bytes; the first one signs, all are believed
     * @param bool         $wantsDelivery whether events are to be sent; "delivery" is whether they can be, too
     * @param list<string> $objects       which of OBJECTS are wanted
     */
    private function __construct(
        public readonly array $keys,
        public readonly string $url,
        public readonly bool $wantsDelivery,
        public readonly array $objects,
        private readonly ?object $config,
    ) {
        $this->delivery = $wantsDelivery && Courier::accepts($url);
    }

    public static function of(object $config): self
    {
        $url = trim((string) $config->get('url'));
        return new self(
            Signature::keys((string) $config->get('secret')),
            $url,
            (bool) $config->get('delivery', true),
            array_values(array_filter(self::OBJECTS, static fn (string $name): bool => (bool) $config->get($name, true))),
            $config,
        );
    }

    /**
     * @param array<string, mixed> $values
     * @return list<string>
     */
    public static function wishes(array $values): array
    {
        return array_values(array_filter(self::OBJECTS, static fn (string $name): bool => !empty($values[$name])));
    }

    public function wants(string $object): bool
    {
        return in_array($object, $this->objects, true);
    }

    /** Stores another webhook address and whether events are sent; returns the settings with them. */
    public function redirected(string $url, bool $delivery): self
    {
        foreach (['url' => $url, 'delivery' => $delivery ? 1 : 0] as $name => $value) {
            $this->config?->set($name, $value);
        }
        return new self($this->keys, $url, $delivery, $this->objects, $this->config);
    }
}
