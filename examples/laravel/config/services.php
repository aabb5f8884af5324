<?php

return [
    // The current secret first; during a rotation both count.
    'buddy' => ['secrets' => array_values(array_filter([env('BUDDY_SECRET'), env('BUDDY_OLD_SECRET')]))],
];
