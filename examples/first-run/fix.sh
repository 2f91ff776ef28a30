# What an agent would do: look, change, check. The shell worker runs it as it stands.
check() { node --test --test-reporter=tap | grep -E '^(not ok|# (pass|fail))'; }

echo "Before:" && check
sed -i 's/total + number)/total + number, 0)/' sum.js
echo "After:" && check
echo "sum([]) is 0 now: reduce had no start value."
