<?php

declare(strict_types=1);

namespace Buddy\Verify;

/**
 * Bindings in this process alone: for tests, and for a server of one long-running process. Under PHP-FPM each request would
 * begin with none.
 */
final class MemoryStore implements Store
{
    /** About 60 MB, half of what PHP allows itself by default. Whoever signs in and binds without end makes it forget, not grow. */
    public const BINDINGS_MAX = 100_000;

    /** @var array<string, array{string, int}> user id and when it ends; the oldest first, since all last equally long */
    private array $bindings = [];

    private readonly \Closure $clock;

    /** @param (callable(): int)|null $clock unix seconds; the system's unless given */
    public function __construct(?callable $clock = null)
    {
        $this->clock = ($clock ?? time(...))(...);
    }

    public function bind(string $sessionId, string $userId): bool
    {
        $holder = $this->find($sessionId);
        if ($holder !== null) {
            return $holder === $userId;
        }
        unset($this->bindings[$sessionId]);
        $this->makeRoom();
        $this->bindings[$sessionId] = [$userId, ($this->clock)() + self::BINDING_SECONDS];
        return true;
    }

    public function find(string $sessionId): ?string
    {
        [$userId, $end] = $this->bindings[$sessionId] ?? [null, 0];
        return ($this->clock)() < $end ? $userId : null;
    }

    private function makeRoom(): void
    {
        $now = ($this->clock)();
        while (($oldest = array_key_first($this->bindings)) !== null) {
            if (count($this->bindings) < self::BINDINGS_MAX && $now < $this->bindings[$oldest][1]) {
                return;
            }
            unset($this->bindings[$oldest]);
        }
    }
}
