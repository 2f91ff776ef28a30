# What an agent would do: look, change, check. The shell worker runs it as it stands.
node --test || echo "The test fails, as expected: reduce has no start value."
sed -i 's/total + number)/total + number, 0)/' sum.js
node --test
echo "sum([]) is 0 now; the test passes."
