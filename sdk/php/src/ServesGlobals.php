<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** @internal */
trait ServesGlobals
{
    abstract public function answer(Request $request): Response;

    /** Answers the request at hand, in plain PHP. Throws as `answer` does; whoever called gets 500 then. */
    public function serve(): void
    {
        // With display_errors on, PHP answers 200 when an error is thrown.
        http_response_code(500);
        $this->answer(Request::fromGlobals())->send();
    }
}
