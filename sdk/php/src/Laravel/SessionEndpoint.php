<?php

declare(strict_types=1);

namespace Buddy\Verify\Laravel;

use Buddy\Verify\InvalidUser;
use Buddy\Verify\RawBodyMissing;
use Buddy\Verify\Request as PlainRequest;
use Buddy\Verify\SessionEndpoint as PlainEndpoint;
use Buddy\Verify\Store;
use Buddy\Verify\VerifyError;
use Illuminate\Http\Request;
use Illuminate\Http\Response;

/** The session endpoint for a Laravel route. */
final class SessionEndpoint
{
    private readonly PlainEndpoint $endpoint;

    /**
     * As the plain endpoint's, but that your function is given Laravel's request.
     *
     * @param list<string>|string|false|null $secrets
     * @param callable(Request): (int|string|null) $userId
     * @throws VerifyError no_secret, bad_secret
     */
    public function __construct(
        #[\SensitiveParameter] array|string|false|null $secrets,
        Store $store,
        callable $userId,
        ?string $agentId = null,
    ) {
        $ofNative = static fn (PlainRequest $request): mixed => $userId($request->native);
        $this->endpoint = new PlainEndpoint($secrets, $store, $ofNative, $agentId);
    }

    /**
     * @throws InvalidUser
     * @throws RawBodyMissing
     */
    public function answer(Request $request): Response
    {
        return Http::response($this->endpoint->answer(Http::request($request)));
    }
}
