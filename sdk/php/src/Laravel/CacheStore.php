<?php

declare(strict_types=1);

namespace Buddy\Verify\Laravel;

use Buddy\Verify\Store;
use Illuminate\Contracts\Cache\Repository;

/**
 * Bindings in Laravel's cache, which all your processes must share: redis, memcached, database, dynamodb, or file on one machine;
 * not array or null. The container makes it where a route or a constructor asks for it.
 */
final class CacheStore implements Store
{
    private const KEY_PREFIX = 'buddy:';

    /** Some stores keep a text of digits as a number, and 007 would come back as 7. */
    private const VALUE_PREFIX = 'user:';

    public function __construct(private readonly Repository $cache)
    {
    }

    public function bind(string $sessionId, string $userId): bool
    {
        if ($this->add($sessionId, $userId)) {
            return true;
        }
        $holder = $this->find($sessionId);
        // It may have run out between the two.
        return $holder === null ? $this->add($sessionId, $userId) : $holder === $userId;
    }

    public function find(string $sessionId): ?string
    {
        $value = $this->cache->get(self::KEY_PREFIX . $sessionId);
        return is_string($value) ? substr($value, strlen(self::VALUE_PREFIX)) : null;
    }

    /** Atomic: of several at once one succeeds. */
    private function add(string $sessionId, string $userId): bool
    {
        return $this->cache->add(self::KEY_PREFIX . $sessionId, self::VALUE_PREFIX . $userId, self::BINDING_SECONDS);
    }
}
