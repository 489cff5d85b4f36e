"""How often a character follows another in ordinary text: made by `tests/evaluate/ordinary.py`.

A row for each of the 54 symbols (the letters in both cases, a digit, anything else) holds how
improbable each symbol is behind it, in 16ths of a bit: one byte each, deflated, in base85.
"""

from __future__ import annotations

SYMBOLS = 54
STEPS = 16
TABLE = (
    "c-n22Sx{PO7RR6GVWw+ls%EK9rh9rina-Y=*or79E>Xk{+yFt`Kv7Y_1#!V$Ko+kGdZi(VXhcAS2q+Rrj3y42C<Z4=k};K7&O=+3"
    "s<!*Z>g3MFOx4s(&F_BafBxq?-_!lRhXdkcVupD5`&qN}J80x;qWwDRN^uQ`!_>Wh|Nh;(zeB4K1igorAusgqnLlJ9s4nw1Gq(!K"
    "Z<oi%j^C(iKoJ}`Y}Fl$#Do<cS~eUe_2I^0h>b)2#-Yb_c<8Yl9ujUvDj4125=lhfAp%|3cd<)`rQb?#(RpfDbQ`lCkJIH>?QPg>"
    "doJ6@6^CZ;<KEuKkIbleZcEzN+;;7q;b|Pu6E8955h~NiChoJ{s(Jp1NWQEb`}y6ZPHvX}JSG`jTvToUyiNEV+m)PDPGL><xnyD4"
    "k=-=*O$54&Rg>O0JOAL`^sr`Q%DDMatN(6Ay*Z~)JhU!tLLb||P95SfQ<8-4E9<Xvh5d*&2ez1;?w)+b`N_S#{%YN@?fwbo6>Q-I"
    "$16B7eoGSYgy$6n__&=NJS)9Kc$|c$=MIb<PxS9BJ=2Vs=G8;T#~RJpQtz=;JwEU8>>MBS&Rr6V8~>u1nn4_O)z!A#R2-!;lkyEy"
    "o2|};BlFah;%LfwbYw6uI3I5wfzHj%h0UX*sjo;m3HWSEhEM#k7m@O1Bw>aSbz4jE5syibZy$n=;p=$=!6xL6KPAXe5^pV%oCB>A"
    "rj^A9t=A~l-aPPItHj!C{l9=AVVzI!uCM;0yaYhl#|c1jZL_=v&125xzZ|fS+vWCAjoz+#X;*3VbGnzRKKqKw{_^EZ!SB$G-S~?a"
    "?oHixjbgyANcO=9Aq_7wydc_~f1B5Wt|zlD==&#j<H6kbPt_*>0sN>SF#MaWG3KAfbkp%J5jm|b;?7Bba!G;B;A;w=_-s#Y!4oTZ"
    "^4O-=pDdnC-k%OGx=v0`M#7_qFt;MJBZhG1ifREZrAFP0x<M^bI>e5-Ih{c<=dc-|Cv&sLO$}t$X&kmEn-C<rOv^_h#~4M%YDXa!"
    "^VbZ_@pWu+Vo6plDEB>HUG=?z-oTIksdwl2%^UmU)njPq7<wa&yE5Edewho@rJVL5g<>R1|7{_f_}$<p?o=1BSd3$*0p028^5W^U"
    "snchR#%Jy~r>CbqH~ZyvTuHyYOXGBs<uo~`v@osz7xFIW{~&idHD?-veib1m(JpXvr;saEtUM}$`!W-SDXSbXk^R=$$pO&fpId?4"
    "b5`4~1#(Pkp-l_?50w{a6Quq>3EJ}Sdf3(dvh0lE&ZHYzqYW0?wrA7q)!*NIW`_P@TQfW{{$SV6?=5VH{``4lZ&CH-HbZ>azK~wm"
    "n^d)c!sX-*br0nZDwO>ry^57lH58DI%O9!(a<NoDyZp}|Am9sPGLaFLN1w+9RpFSMmFQqt+)atiHtsV7e}wV<7)ob0q`tF-Vt&=Z"
    "QvI4M91P!kFj(J0>Uq$_8=T;a3=>lx!=7PpYVUz(Zx3EDp3%KeP@}KQIVI7}+U##0sTsAX7{ORrYTL9rTlC1N)%F>U>PHK*{eAiV"
    "BS5=9JuY~(VBFtdX!@pT0NswNSZqyxJ<lSlxiPQ#oUi#kS{7M5t5Ecb`HP_N^=qw6J*9lD?AB`4+WFT{E?(^5FzTqC?dtLaE0KWZ"
    "UVmC25hZD7s3#;dGh$J1qjOkxaG+C;Dm!M{yL+FS4h{~it-pzr*7HB3Pf)KdFBh`diL7Nob9d{qbh%o}Uj8p8{*xJzy2i?~7s}yT"
    "%L_}fxW>YHm{Ultl#5@ycqk<$rieL-vm|9xWC~WA^$?kGGcTf^%DPvHz2esK$vU@=s&lj4?z?Vx)|flS4JS9cBEK>j=mRh$Afcoy"
    "xnT^S%Zhf7jgeVoRI&pETmAktiQk_J8m>6}Ot6FF_xmM|SRI9kqO>GZ{5U+TEsX9@ro|VF3=X-Dg3i|KZBag-4`uU7e0sFc*D3PV"
    "!1bsvt)ZQMIZx7so)8pvb>8LM*tE(7N#{hvaQUAn-_9!EDs69FZ{IT8h_1=1l%Ww@?RwhV^=w``uDqZ^BeV@r3SwB~x`@~mMO9Ny"
    "j<V$(esU5hU6-$4UtiB(pG;g|Pc^S+nAc&Ff&A*i#IEKr<zzH(GEr{MDx*-$UF%(D+%>LNAw#)b3ZBc=rjT)5t^}>3(gnjS<koPn"
    "$;$E3S_QE%K2PYvAxI3DOz3iPz6@LKH6*OAu2#ZvZ<PY;D9{S4aP|DXb}kwi?ao-OV=#nBz(D54R2W8A4XeOqmutLuS2n&2Gebs5"
    "T)T><qIuV@Yj?Mdkd{s&;DAQJ6_34yOjqNPs9n06yqnjTc~we~lBFRk>ZQ_zP?lz#DO^@WR!HG47WRqo<_+o9PbV=orV&%L$s{O%"
    "!z8FO33xo%@Zeq22)pc$jWr#l5fjx!ED_YO$!vis(`4%4oiFn1bm{P|V*GxG(T{dG{0fJl+wV8}qdJOGFV_tWML7hCZT*NMBRdyY"
    "An5Qjnp>_#SybLw@31$+>-Ac^2w3~Pd9b#6Z<eY!ms>3=thXbJ)QrG*WfW48$}&3a?Tf<fn06>TOFO+gArNo?OI5I%c2G6AI7|Ts"
    "$XF^X9-$)3m&8eT^646rNXflAQY|t)?=?Mt{(K3LwVHCC*H4REn#6EjOu8E(qEZ3YbVXLu^@8N*H*iVmRRoy{NI`yUvkfq|W_u`G"
    "TUEBLw5_cO!FSA>tu4Y<Y)@frRDCBaYpW-<vn4ij0EJJe5H#8{x9H(qE)e3Ao+U2u`I#>*1^(Rx(tuomo0|#%zyEX!O?6HL!UBOn"
    "dB7PkJ1YVKr#Vmo`#>O}uYhuiPB)_iwI!62n9@LIN_=5$cYqK8uW*921xzr=BtGivRt(chg~5f`458vtS+M9nfrk_|;4urF{Ob0E"
    "0-!PZ4zU*)rl|WamOqvR?*@ZZTCgklI9T#Hm@^Zk2WNs=LCg??aVuje2{|V!t`?=^W|E0%bP0ckFu=bsrqO7OYiFO)h}4kQ`pKQr"
    "H5g-2elabbT)dXLwss2}UYW2KmvEKUzgBA;OTeR5c44&L4y4-cD!aV}R#nKs64TNE{IUs9;o)vW3twn&VmATyCb(0SfEXRM5G<qF"
    ";TD+oY>OqP2R6-cAjI_Qyq;!Sq{UKRgN<Wbu$bmXOLMu!(s)C!uh#eI^)eY8)%sQ$ykwus;-2Jc43k-wrq|P=>WC<PYuW9dMp-Pm"
    "G3Q(_Ja~jAlBTmEr0#4G`81*Mtu0_F-)iMpt&~zc|F*RW5m(12TQfQQ&!}L1M;Zu%(O?KF2zGRUp$`O;VEqGJ<3KP!wmt`LRl&RU"
    "@PUNu1@v-!MY+e}v8-tI20;H|NilBQ-bmWs28M?e;_*Yz#)s`Wk7Ik~aBpdQ`@`Xfjl*A^OCw{_@foDzOgS%yke8PtNDs>(RTX!S"
    "57sv`*&L3LU3*{JP}A5~ZD=g!aOM44^9=UVzX0I3V%G"
)
