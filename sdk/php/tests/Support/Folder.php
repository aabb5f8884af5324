<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests\Support;

/** A folder for one test. */
final class Folder
{
    public static function make(): string
    {
        $path = sys_get_temp_dir() . '/buddy-test-' . bin2hex(random_bytes(8));
        mkdir($path, 0700);
        return $path;
    }

    public static function remove(string $path): void
    {
        // A link, as Composer makes one to the package, goes; what it leads to stays.
        if (is_link($path) || !is_dir($path)) {
            unlink($path);
            return;
        }
        foreach (array_diff(scandir($path), ['.', '..']) as $name) {
            self::remove("$path/$name");
        }
        rmdir($path);
    }
}
