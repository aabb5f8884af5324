<?php

namespace App;

use Illuminate\Auth\GenericUser;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Contracts\Auth\UserProvider;

/** The shop's users, where yours have a database. */
class Users implements UserProvider
{
    private const ROWS = [
        'ada-1815' => ['id' => 'ada-1815', 'name' => 'ada', 'email' => 'ada@shop.example', 'plan' => 'gold', 'remember_token' => null],
        'grace-1906' => ['id' => 'grace-1906', 'name' => 'grace', 'email' => 'grace@shop.example', 'plan' => 'silver', 'remember_token' => null],
    ];

    public static function find(?string $id): ?GenericUser
    {
        return isset(self::ROWS[$id]) ? new GenericUser(self::ROWS[$id]) : null;
    }

    public static function named(mixed $name): ?GenericUser
    {
        $names = array_column(self::ROWS, 'name', 'id');
        return self::find(array_search($name, $names, true) ?: null);
    }

    public function retrieveById($identifier): ?GenericUser
    {
        return self::find($identifier);
    }

    public function retrieveByToken($identifier, $token): ?Authenticatable
    {
        return null;
    }

    public function updateRememberToken(Authenticatable $user, $token): void
    {
    }

    public function retrieveByCredentials(array $credentials): ?Authenticatable
    {
        return null;
    }

    public function validateCredentials(Authenticatable $user, array $credentials): bool
    {
        return false;
    }

    /** Of Laravel 11 and later. */
    public function rehashPasswordIfRequired(Authenticatable $user, array $credentials, bool $force = false): void
    {
    }
}
