<?php

// osTicket finds its plugin classes here; the doubles bring theirs.
