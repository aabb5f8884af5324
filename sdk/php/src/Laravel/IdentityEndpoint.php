<?php

declare(strict_types=1);

namespace Buddy\Verify\Laravel;

use Buddy\Verify\IdentityEndpoint as PlainEndpoint;
use Buddy\Verify\InvalidUser;
use Buddy\Verify\RawBodyMissing;
use Buddy\Verify\VerifyError;
use Illuminate\Http\Request;
use Illuminate\Http\Response;
use Illuminate\Support\Facades\Log;

/** The identity endpoint for a Laravel route. */
final class IdentityEndpoint
{
    private readonly PlainEndpoint $endpoint;

    /**
     * As the plain endpoint's, but that refusals go to Laravel's log.
     *
     * @param list<string>|string|false|null $secrets
     * @param callable(string): ?array<string, mixed> $user
     * @param (callable(string $code, string $message): void)|null $onRefused
     * @param (callable(): int)|null $clock
     * @throws VerifyError no_secret, bad_secret
     */
    public function __construct(
        #[\SensitiveParameter] array|string|false|null $secrets,
        callable $user,
        ?string $agentId = null,
        ?callable $onRefused = null,
        ?callable $clock = null,
    ) {
        $this->endpoint = new PlainEndpoint($secrets, $user, $agentId, $onRefused ?? self::log(...), $clock);
    }

    /**
     * @throws InvalidUser
     * @throws RawBodyMissing
     */
    public function answer(Request $request): Response
    {
        return Http::response($this->endpoint->answer(Http::request($request)));
    }

    private static function log(string $code, string $message): void
    {
        Log::warning(PlainEndpoint::line($code, $message));
    }
}
