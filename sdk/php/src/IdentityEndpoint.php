<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** Answers Buddy's callback: 200 with the user, 204 when nobody is signed in, 401 to anybody else. */
final class IdentityEndpoint
{
    use ServesGlobals;

    /** @var non-empty-list<string> */
    private readonly array $secrets;
    private readonly \Closure $user;
    private readonly \Closure $onRefused;
    private readonly \Closure $clock;

    /**
     * @param list<string>|string|false|null $secrets all that count; as `getenv` gives it
     * @param callable(string): ?array<string, mixed> $user from a session id to
     *     `['userId' => …, 'email' => …, 'role' => …, 'customAttributes' => […]]`, all but the first optional, or null: nobody
     * @param string|null $agentId the agent this endpoint serves; any unless given
     * @param (callable(string $code, string $message): void)|null $onRefused one line in PHP's error log unless given
     * @param (callable(): int)|null $clock unix seconds; the system's unless given
     * @throws VerifyError no_secret, bad_secret
     */
    public function __construct(
        #[\SensitiveParameter] array|string|false|null $secrets,
        callable $user,
        private readonly ?string $agentId = null,
        ?callable $onRefused = null,
        ?callable $clock = null,
    ) {
        $this->secrets = Secrets::check($secrets);
        $this->user = $user(...);
        $this->onRefused = ($onRefused ?? self::log(...))(...);
        $this->clock = ($clock ?? time(...))(...);
    }

    /**
     * @throws InvalidUser
     * @throws RawBodyMissing
     */
    public function answer(Request $request): Response
    {
        if ($request->method !== 'POST') {
            return $this->refuse(405, 'method_not_allowed', 'the identity endpoint is asked by POST');
        }
        if ($request->isTooLarge()) {
            return $this->refuse(413, 'too_large', 'the body has more than 16 KiB: not a callback');
        }
        $signature = $request->header('X-Platform-Signature');
        try {
            $callback = Buddy::verify($request->rawBody(), $signature, $this->secrets, ($this->clock)(), $this->agentId);
        } catch (VerifyError $error) {
            return $this->refuse(401, $error->errorCode, $error->getMessage());
        }
        $user = ($this->user)($callback->sessionId);
        return $user === null ? Response::nobody() : Response::json(200, User::encode($user));
    }

    /**
     * The line that tells of a refusal, the same in every language.
     *
     * @internal
     */
    public static function line(string $code, string $message): string
    {
        return "buddy: refused a callback ($code): $message";
    }

    private static function log(string $code, string $message): void
    {
        error_log(self::line($code, $message));
    }

    private function refuse(int $status, string $code, string $message): Response
    {
        ($this->onRefused)($code, $message);
        return Response::refused($status, $code, $message);
    }
}
