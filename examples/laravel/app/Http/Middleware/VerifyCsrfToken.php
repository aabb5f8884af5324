<?php

namespace App\Http\Middleware;

use Illuminate\Foundation\Http\Middleware\VerifyCsrfToken as Middleware;

class VerifyCsrfToken extends Middleware
{
    /** This shop has no page, and so no form that could hold the token. */
    protected $except = ['login', 'logout'];
}
