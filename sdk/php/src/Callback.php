<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** A request that is Buddy's: it asks who the user of this session is. */
final class Callback
{
    public function __construct(
        /** `sess_` and 26 characters of `[0-9a-z]`. */
        public readonly string $sessionId,
        public readonly string $agentId,
        /** When the request was made, in unix seconds. */
        public readonly int $timestamp,
    ) {
    }
}
