<?php

declare(strict_types=1);

// The package's own autoloading, so that the tests need no vendor folder.
spl_autoload_register(static function (string $class): void {
    foreach (['Buddy\\Verify\\Tests\\' => __DIR__, 'Buddy\\Verify\\' => dirname(__DIR__) . '/src'] as $prefix => $folder) {
        if (str_starts_with($class, $prefix)) {
            $file = $folder . '/' . strtr(substr($class, strlen($prefix)), '\\', '/') . '.php';
            if (is_file($file)) {
                require $file;
            }
            return;
        }
    }
});

// Laravel, from Debian's packages.
require_once 'Illuminate/autoload.php';
