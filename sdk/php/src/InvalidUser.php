<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** Your function gave a user that Buddy would not take. The message names the member, never its value. */
final class InvalidUser extends \UnexpectedValueException
{
}
