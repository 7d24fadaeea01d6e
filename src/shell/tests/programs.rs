//! The small programs, beside the real ones.

use super::oracle::same;

const TREE: &[(&str, &str)] = &[
    ("d/", ""),
    ("d/a", "alpha\nbeta\ngamma\n"),
    ("d/b", "beta\nalpha\nbeta\n\n10\n9\n"),
    ("d/.hidden", "h"),
    ("d/link", "-> a"),
    ("d/sub/", ""),
    ("d/sub/file.conf", "key = value\n# comment\nother=thing\n"),
    (
        "passwd",
        "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nuser:x:1000:1000::/home/user:/bin/sh\n",
    ),
    ("text", "The quick brown fox\njumps over the lazy dog\nand runs away 123 times\n\nlast line without break"),
    ("dangling", "-> nowhere"),
    ("to-d", "-> d"),
];

#[test]
fn files_are_changed_as_coreutils_change_them() {
    same(
        "dash",
        TREE,
        &[
            "mkdir new; mkdir -p p/q/r; mkdir -m 700 closed; mkdir d 2>/dev/null; echo $?; mkdir x/y 2>/dev/null; echo $?; mkdir -p d",
            "mkdir -p -m 2750 a/b; mkdir -m u=rwx,go=rx m; ls -d a m",
            "rm d/a; rm nope 2>/dev/null; echo $?; rm -f nope; echo $?; rm d 2>/dev/null; echo $?; rm -rf d dangling; ls",
            "rm -r to-d; ls; rm -rf to-d/; rmdir d 2>/dev/null; echo $?; rmdir d/sub 2>/dev/null; echo $?",
            "mkdir -p e/f/g; rmdir -p e/f/g; rmdir --ignore-fail-on-non-empty d; echo $?; ls",
            "cp d/a copy; cp d/a d/b d/sub; cp -r d tree; cp -a d arch; cp -p d/a kept; cp d x 2>/dev/null; echo $?; cp nope y 2>/dev/null; echo $?",
            "chmod 600 d/a; cp d/a one; cp -a d/a two; cp -P d/link three; cp d/link four; cp -d dangling five; cp -f d/a one; cp -n d/b one; cat one",
            "cp -r d/. into 2>/dev/null; mkdir into2; cp -r d/. into2; cp -rT d into3; cp -t into2 passwd text",
            "mv d/a moved; mv moved d/b; mv d renamed; mv nope x 2>/dev/null; echo $?; mv renamed/b renamed/sub; mkdir t; mv -t t text; mv -n passwd t/text; ls",
            "mv to-d other; mv d/link d/sub/; mv -f d/a d/b; cat d/b; mv dangling d",
            "ln -s target l; ln -sf other l; ln -s d/a 2>/dev/null; ln -sfn d/sub to-d; ln -s x l 2>/dev/null; echo $?; ln -s ../text d/sub/; ln -sr d/a d/sub/rel; ln -sfT x to-d",
            "touch n; touch d/a n2 -c n3; touch nope/x 2>/dev/null; echo $?; ls",
            "chmod 755 d/a; chmod u-w,g+w d/b; chmod go= text; chmod +x passwd; chmod -R a+X,o-r d; chmod 4755 d/a; chmod g+s d; chmod o+t d/sub; chmod nope d 2>/dev/null; echo $?",
            "chmod a=rx text; chmod u=rw,g=u,o=g passwd; chmod -x d/b; chmod ug+s d/b; chmod 0640 d/link; chmod 2775 d; chmod 755 d; chmod u+w,a-x text; chmod =r passwd; chmod --reference=d/a d/b",
            "chmod nope 2>/dev/null x; echo $?; chmod 644 nope 2>/dev/null; echo $?; chmod -f 644 nope; echo $?; chmod +t,-r text",
            "install -m 640 d/a i1; install -d x/y -m 750 z; install -D -m 755 d/b p/q/r; install d/a d/b d/sub; install -m 600 /dev/null empty; install nope x 2>/dev/null; echo $?; install -t x d/a",
            "printf 'a\\nb\\n' | tee t1 t2 | cat -; echo c | tee -a t1 >/dev/null; cat t1",
            "echo 1 > f; : > f; > g; echo x > d/link; cat d/a; echo y > dangling; cat nowhere; echo z > d 2>/dev/null; echo $?; echo w > no/w 2>/dev/null; echo $?",
            "cat > d/sub/new <<E\none\nE\ncat d/sub/new d/a nope 2>/dev/null; echo $?; cat -s d/b; echo x | cat d/a - ",
            "cd d; mv a c; cp b ../e; cd sub; rm ../b; ln -s ../c; mkdir -p ../../q/r; touch ../../q/r/s; cd ../..; ls d d/sub q",
            "ls; ls -a d; ls -1 d/sub; ls -d d; ls nope 2>/dev/null; echo $?; ls d d/sub; ls text d; ls -A d",
        ],
    );
}

#[test]
fn names_are_those_of_coreutils() {
    same(
        "dash",
        TREE,
        &[
            "basename /a/b.c; basename a/b.c .c; basename /; basename a/; basename .c .c; basename -s .x -a a.x b.x; basename ''",
            "dirname /a/b; dirname a; dirname /; dirname a/b/; dirname //x; dirname a//b; dirname /x",
            "readlink d/link; readlink d/a; echo $?; readlink -f d/link | sed 's,.*/d/,d/,'; readlink -f dangling | sed 's,.*/,,'; readlink -e dangling; echo $?; readlink nope; echo $?; readlink -n d/link",
            "readlink -f to-d/../d/sub/../link | sed 's,.*/d/,d/,'; readlink -f nope/x; echo $?; readlink -m nope/x | sed 's,.*/nope,nope,'; realpath d/link | sed 's,.*/d/,d/,'",
            "stat -c '%a %n' d text d/link; stat -c %s text; stat -L -c %F d/link; stat -c %F d/link d; stat -c %a nope 2>/dev/null; echo $?; stat -c '%u:%g' text",
            "t=$(mktemp -p . x.XXXXXX); test -f \"$t\" && rm \"$t\"; t=$(mktemp -d ./dir.XXXX); test -d $t && rmdir $t; mktemp x 2>/dev/null; echo $?",
            "find d | sort; find d -type f | sort; find d -name '*.conf'; find d -maxdepth 1 -type d | sort; find d -mindepth 1 -maxdepth 1 | sort; find nope 2>/dev/null; echo $?",
            "find d -type f -exec echo {} \\; | sort; find d -name a -exec cat {} +; find d -type l -print; find d \\( -name a -o -name b \\) -print | sort; find . -path ./d/sub -prune -o -type f -print | sort",
            "find d -name a -delete; find d/sub -depth; find d -empty | sort; find d -perm 644 -type f | sort; find d ! -type d -a ! -name b | sort; find d -type f,l | sort",
            "find d -type f -print0 | xargs -0 -n1 basename | sort; find d -iname FILE.CONF; find d -perm -u=r 2>/dev/null >/dev/null; find d -perm /111 -type f; find d -executable -type d | sort",
            "find d -printf '%p %f %h %P\\n' | sort; find d/sub -type f -printf '%f\\t%%\\n'; find . -maxdepth 1 -name text -printf '%P|%h\\n'",
            "echo a b c | xargs echo x; echo a b c | xargs -n 1 echo; printf 'a\\nb\\n' | xargs -I % echo '<%>'; echo | xargs -r echo never; echo | xargs echo once; echo 1 2 3 | xargs -n2 echo; false | xargs; echo 1 | xargs false; echo $?",
        ],
    );
}

#[test]
fn texts_are_changed_as_coreutils_change_them() {
    same(
        "dash",
        TREE,
        &[
            "tac d/a; tac text; diff d/a d/a; echo $?; diff -q d/a d/b; echo $?; diff -q d/a nope 2>/dev/null; echo $?",
            "head -n 2 d/a; head -1 d/b; head -c 5 text; echo; head -n -1 d/a; head -2 d/a d/b; echo x | head; head -q -n1 d/a d/b; head -n 0 d/a",
            "tail -n 2 d/a; tail -1 d/b; tail -n +2 d/a; tail -c 4 text; tail -n1 text; tail -n 100 d/a; tail -q -n1 d/a d/b; tail -n +4 d/b",
            "cut -d: -f1 passwd; cut -d: -f1,3- passwd; cut -d: -f-2 passwd; cut -c1-3 text; cut -d' ' -f2 text; cut -s -d: -f1 text; cut -b 2 d/a; cut -f1 passwd; cut -d = -f 2- d/sub/file.conf",
            "tr a-z A-Z < d/a; tr -d '\\n' < d/a; echo; tr -s a < d/a; echo aabbcc | tr -s 'a-c'; echo a:b | tr : '\\n'; echo hello | tr el ip; echo abc | tr -cd 'a\\n'; echo 'x y' | tr '[:lower:]' '[:upper:]'; echo abc123 | tr -d '[:digit:]'; echo abcd | tr abcd xy; echo a-b | tr - _; echo 'a b' | tr ' ' '\\012'; echo aXb | tr -c 'a-z\\n' _",
            "sort d/b; sort -r d/b; sort -n d/b; sort -u d/b; sort -t: -k3 -n passwd; sort -t: -k3nr passwd; sort -k2 text; sort d/a d/b; sort -u d/a -o out; cat out; printf 'b 1\\na 2\\n' | sort -k 2; printf 'B\\na\\nC\\n' | sort -f; printf '3 x\\n1 y\\n2 x\\n' | sort -k2,2 -k1,1n; printf '10\\n9\\n-1\\n1.5\\n' | sort -n; printf 'b\\nB\\na\\nA\\n' | sort; sort -t: -k1,1 -u passwd",
            "uniq d/b; sort d/b | uniq -c; sort d/b | uniq -d; sort d/b | uniq -u; printf 'a\\na\\nb' | uniq",
            "wc -l < text; wc -l d/a; wc -c < text; wc -w text; printf abc | wc -c; printf '' | wc -l; wc -m < d/a; cat d/a d/b | wc -l",
            "cmp d/a d/a; echo $?; cmp -s d/a d/b; echo $?; cmp d/a d/b; cmp -s d/a nope 2>/dev/null; echo $?",
            "expr 1 + 2; expr 2 \\* 3; expr 7 / 2; expr 7 % 3; expr 5 - 7; expr a = a; expr a = b; echo $?; expr 10 \\> 9; expr abc : 'a\\(.\\)c'; expr abc : 'ab'; expr abc : x; echo $?; expr length hello; expr substr hello 2 3; expr index hello l; expr \\( 1 + 2 \\) \\* 3; expr '' \\| b; expr 0 \\& 1; expr match abc 'a.*'; expr x : x; expr 1 + a 2>/dev/null; echo $?; expr 1 / 0 2>/dev/null; echo $?; expr ab : 'a*b$'; expr 3.4 : '\\([0-9]*\\)\\.'",
            "seq 3; seq 2 4; seq 1 2 7; seq 5 -2 1; seq 3 1; md5sum d/a; sha256sum < d/a; md5sum nope 2>/dev/null; echo $?; printf x | sha1sum; md5sum d/a d/b | cut -c1-8",
            "base64 text; base64 -w 0 d/a; base64 text | base64 -d; printf a | base64; printf ab | base64; printf abc | base64; printf 'YWI=' | base64 -d; printf '!' | base64 -d 2>/dev/null; echo $?; base64 < /dev/null",
            "true; echo $?; false; echo $?; sync; env X=1 sh -c 'echo $X'; nice echo n; which nothing; echo $?; sh -c 'exit 3'; echo $?",
        ],
    );
}

#[test]
fn grep_is_the_real_one() {
    same(
        "dash",
        TREE,
        &[
            "grep beta d/b; grep -v beta d/b; grep -c beta d/b; grep -n a d/a; grep -q alpha d/a; echo $?; grep zzz d/a; echo $?; grep -s x nope; echo $?; grep x nope 2>/dev/null; echo $?",
            "grep -i ALPHA d/a; grep -x alpha d/a d/b; grep -w be d/a; echo $?; grep -l beta d/a d/b text; grep -L beta d/a text; grep -h beta d/a d/b; grep -H alpha d/a; grep -o 'be' d/b; grep -m1 beta d/b",
            "grep '^a' d/a; grep 'a$' d/a; grep '^$' d/b; grep 'al\\(ph\\|x\\)a' d/a; grep -E 'al(ph|x)a|gamma' d/a; grep -E 'm{2}' d/a; grep 'm\\{2\\}' d/a; grep -E '^(beta|10)$' d/b; grep 'a*' d/a; grep '[[:digit:]]' d/b; grep '[^a-z]' d/b; grep '\\.' text; grep -F '.' text; echo $?; grep -F 'a' d/a",
            "grep -E '^[^#]*=' d/sub/file.conf; grep -e alpha -e gamma d/a; grep -vE '^(#|$)' d/sub/file.conf; echo 'a+b' | grep 'a+b'; echo 'a+b' | grep -E 'a\\+b'; echo aab | grep 'a\\+b'; echo 'a?b' | grep 'a?b'; echo '*x' | grep '*x'; echo 'a|b' | grep 'a|b'; echo 'x{y' | grep 'x{y'; egrep 'alpha|beta' d/a; fgrep -x beta d/b",
            "cat d/a | grep -q gamma && echo yes; ! grep -q nothing d/a && echo no; grep \"^root:\" passwd | cut -d: -f6; grep -E '^user:[^:]*:[0-9]+:' passwd; grep '\\bfox\\b' text; grep '\\<lazy\\>' text 2>/dev/null; grep -o '[0-9]*' text; grep -o '[a-z]*' d/a; grep -Eo '[a-z]+ ?' text | head -3; grep 'a^b' d/a; echo 'a^b$c' | grep 'a^b$c'; grep -r beta d | sort; printf 'alpha\\n10\\n' > pats; grep -f pats d/b; grep '' d/b | wc -l; grep -e '-' text; echo $?; grep -- '-x' text; echo $?; printf 'a\\nb' | grep b",
        ],
    );
}

#[test]
fn sed_is_the_real_one() {
    same(
        "dash",
        TREE,
        &[
            "sed s/a/X/ d/a; sed s/a/X/g d/a; sed 's/a/X/2' d/a; sed -n 's/beta/B/p' d/b; sed 's,al,[&],' d/a; sed 's/\\(al\\)\\(pha\\)/\\2\\1/' d/a; sed -E 's/(al)(pha)/\\2\\1/' d/a; sed -r 's/^(.)/<\\1>/' d/a",
            "sed 1d d/a; sed '$d' d/a; sed 2,3d d/a; sed '/beta/d' d/b; sed '/alpha/,/beta/d' d/b; sed -n '2p' d/a; sed -n '/beta/p' d/b; sed '/^$/d' d/b; sed '2!d' d/a; sed -n '$p' text; sed -n '2,$p' d/a; sed '/beta/!d' d/b; sed -n '/key/,/other/p' d/sub/file.conf",
            "sed -e 's/a/1/' -e 's/b/2/' d/a; sed 's/a/1/;s/b/2/' d/a; sed '2i\\\ninserted' d/a; sed '2a\\\nappended' d/a; sed '2a one line' d/a; sed '$a end' d/a; sed '1i first' d/a; sed '2c\\changed' d/a; sed '/beta/c new' d/b; sed '1,2c gone' d/a",
            "sed -i s/alpha/ALPHA/ d/a; cat d/a; sed -i.bak 2d d/b; cat d/b; sed -i -e '/comment/d' -e 's/ = /=/' d/sub/file.conf; cat d/sub/file.conf; sed -i s/x/y/ nope 2>/dev/null; echo $?; sed -i '$a added' d/link; ls d",
            "sed 's/[^:]*:\\([^:]*\\):.*/\\1/' passwd; sed 's|/|_|g' passwd; sed -n 's/^root:.*:\\(.*\\)$/\\1/p' passwd; sed 'y/abc/xyz/' d/a; sed = d/a; sed -n '/beta/=' d/b; sed 2q d/a; sed -n '/a/{s/a/Z/;p}' d/a; sed '/beta/{n;d}' d/b; sed '1{h;d};G' d/a; sed -n '1h;2,$H;${g;p}' d/a",
            "sed ':a;N;$!ba;s/\\n/,/g' d/a; sed -e :a -e '$!N;s/\\n/ /;ta' d/a; sed 'N;P;D' d/a; sed 's/a*/x/g' d/a; sed 's/b*/-/2' d/b; sed 's/$/!/' d/a; sed 's/^/> /' d/a; sed 's/\\./DOT/g' text; sed 's/a\\|b/X/g' d/a; sed -E 's/a|b/X/g' d/a; sed 's/\\s\\+/_/g' text; sed 's/[[:space:]]*$//' d/a; sed 's/.*/\\U&/' d/a; sed 's/\\(.\\)\\(.*\\)/\\u\\1\\L\\2/' d/a",
            "sed -n 'x;p' d/a; sed 's/a/\\n/' d/a; sed 's/a/b\\/c/' d/a; sed 's/\\//|/g' passwd; sed 's#/#\\##g' passwd; sed '/^#/d;/^$/d' d/sub/file.conf; sed '\\,root,d' passwd; sed 's/ALPHA/x/I' d/a; sed '/ALPHA/Id' d/a; sed \"s/^key = .*/key = $1/\" d/sub/file.conf; printf 'no break' | sed 's/no/yes/'; printf 'a\\nb' | sed '$!d'; sed '0~2d' d/a 2>/dev/null >/dev/null; sed -n '/be/,+1p' d/b >/dev/null 2>&1; sed 's/&/and/' d/a; sed 's/a/\\&/' d/a; sed '1!G;h;$!d' d/a; sed -n '$=' d/a; sed 's/a/x/3g' d/b; sed '/a/s//Q/g' d/a; sed '1~2d' d/a >/dev/null 2>&1; echo 'a.b' | sed 's/a\\.b/ok/'; echo aaa | sed 's/a\\{2\\}/b/'; echo 'x[1]' | sed 's/\\[1\\]/y/'; echo 'a]b' | sed 's/[]]/-/'; echo 'a/b' | sed 's/[/]/-/'",
        ],
    );
}

#[test]
fn awk_is_the_real_one() {
    same(
        "dash",
        TREE,
        &[
            "awk '{print $1}' text; awk '{print $2, $1}' text; awk -F: '{print $1}' passwd; awk -F : '$3 >= 1 {print $1, $NF}' passwd; awk '{print}' d/a; awk '{ print $0 }' d/a; awk 1 d/a",
            "awk '/beta/' d/b; awk '/beta/ {print $1}' d/b; awk '!/beta/' d/b; awk 'NR==2' d/a; awk 'NR > 1 {print NR, $1}' d/a; awk 'END {print NR}' d/b; awk '$1 ~ /^al/ {print}' d/a; awk '$1 !~ /a$/' d/b",
            "awk -F: '$1 == \"user\" {print $6; exit}' passwd; awk -v n=root -F: '$1 == n {print $7}' passwd; awk '/alpha/ {p=1} /gamma/ && p {print \"found\", $1}' d/a; echo a b c | awk '{print NF}'; echo a b c | awk '{print $NF}'; echo | awk '{print \"x\"}'",
            "printf 'Package: a\nStatus: install ok installed\nPackage: b\nStatus: x\n' | awk '/^Package:/ {package=$2} /^Status:.* installed$/ {print package}'; awk -F= '{print $2}' d/sub/file.conf; awk '$1 == 10 {print \"ten\"}' d/b; awk '$1 > 9' d/b; awk '/dog|fox/ {print $1; next} {print NR}' text; awk '{print $1}' nope 2>/dev/null; echo $?",
        ],
    );
}
