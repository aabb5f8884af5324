<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** @internal */
final class Secrets
{
    /** The shortest and the longest that Buddy takes; an empty one, from a setting that was not set, would let anybody sign. */
    private const FORM = '/\A[\x21-\x7e]{16,256}\z/';

    /**
     * @param array<mixed>|string|false|null $secrets
     * @return non-empty-list<string>
     * @throws VerifyError no_secret, bad_secret
     */
    public static function check(#[\SensitiveParameter] array|string|false|null $secrets): array
    {
        if ($secrets === [] || $secrets === null || $secrets === false) {
            throw new VerifyError('no_secret');
        }
        $list = is_array($secrets) ? array_values($secrets) : [$secrets];
        foreach ($list as $secret) {
            if (!is_string($secret) || preg_match(self::FORM, $secret) !== 1) {
                throw new VerifyError('bad_secret');
            }
        }
        return $list;
    }
}
