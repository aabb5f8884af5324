<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** The request has a body, but it did not reach the endpoint: something in front of it read or replaced it. */
final class RawBodyMissing extends \LogicException
{
    public function __construct()
    {
        parent::__construct(
            'the request says it has a body, but none reached the Buddy endpoint: something in front read or replaced it. '
            . 'Hand over the raw body, file_get_contents(\'php://input\') or the getContent() of the request as it came; '
            . 'a body that was parsed and written again has another signature.'
        );
    }
}
