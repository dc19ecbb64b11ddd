<?php
function stuck_here() {
    while (true) { $x = sqrt(2); } // STUCK
}
if ($_SERVER['REQUEST_URI'] === '/hang.php') {
    error_log('HANGING');
    stuck_here();
}
echo 'ok';
