<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** Whose session is it? Written by the session endpoint, read by your function of the identity endpoint. */
interface Store
{
    /** The callback comes seconds after the page asked for its ticket; ten minutes leave room for a slow start of a chat. */
    public const BINDING_SECONDS = 600;

    /** Whether the session is that user's now, newly or already. The first to ask has it, and asking again does not extend it. */
    public function bind(string $sessionId, string $userId): bool;

    /** The id of the user whose session it is, or null. */
    public function find(string $sessionId): ?string;
}
