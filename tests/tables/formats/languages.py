"""Lines of messages in 18 languages, and files of them in 12 encodings."""

from collections.abc import Iterator
from typing import Final

import numpy as np

__all__ = ["WESTERN", "files_of_encodings"]

LINES: Final = {
    "de": (
        "Ihr Paket wartet, bitte zahlen Sie die Gebühr|Wir treffen uns übermorgen um zwölf|"
        "Die Überweisung wurde ausgeführt|Können Sie mich zurückrufen?|Schöne Grüße aus München|"
        "Der Zug hat Verspätung|Ihre Rechnung über 59,90 € ist fällig|Bitte bestätigen Sie den Termin|"
        "Das Geschäft schließt um acht|Ich möchte das Gerät zurückgeben|Er wohnt in der Königsstraße|"
        "Die Prüfung war nicht so schwer"
    ),
    "fr": (
        "Votre colis est arrivé, réglez les frais|À bientôt à l'hôtel|"
        "Le rendez-vous est confirmé pour février|Ça va très bien, merci|"
        "Vous avez gagné un cadeau, répondez vite|L'élève a été reçu à l'école|"
        "Où êtes-vous déjà passé ?|Le garçon préfère le thé|Mise à jour nécessaire de votre accès|"
        "Nous vous prions d'agréer nos salutations|Le prix est de 20 € au marché|"
        "Noël approche, préparez la fête"
    ),
    "es": (
        "Su paquete está retenido, pague aquí|¿Dónde estás mañana por la mañana?|El niño comió una piña|"
        "¡Felicidades! Ganó un teléfono|La reunión será el miércoles a las diez|Gracias por su atención|"
        "Necesito la contraseña de la sesión|Él vive en Cádiz desde hace años|"
        "Último día para la inscripción|Mi corazón está contigo"
    ),
    "pt": (
        "O seu pacote está à espera, pague a taxa|Não esqueças a reunião amanhã|"
        "Você ganhou um prêmio, clique já|A informação será enviada até sexta-feira|"
        "Parabéns, a sua inscrição foi aceite|Ele mora em São Paulo|A avó fez pão com açúcar|"
        "Atenção: última notificação|Obrigada pela atenção|Onde estão as chaves da casa?"
    ),
    "it": (
        "Il tuo pacco è in attesa, paga qui|Perché non vieni più tardi?|La città è molto bella|"
        "Così non può andare|Hai già ricevuto il premio?|Ci vediamo lunedì alle tre|"
        "L'attività sarà sospesa|Però è già venerdì|La qualità del caffè|"
        "Grazie mille per la disponibilità"
    ),
    "da": (
        "Din pakke venter, betal gebyret|Vi ses på lørdag klokken tre|"
        "Jeg kommer for sent på grund af trafikken|Mødet er flyttet til på fredag|"
        "Han spiser rødgrød med fløde|Køb mælk og brød på vejen|Kære kunde, bekræft din konto|"
        "Børnene går i skole|Tillykke med fødselsdagen|Åbn døren når du kommer"
    ),
    "sv": (
        "Ditt paket väntar, betala avgiften|Vi ses på lördag klockan tre|"
        "Jag kommer för sent på grund av köer|Köp mjölk och bröd på vägen|"
        "Kära kund, bekräfta ditt konto|Grattis på födelsedagen|Öppna dörren när du kommer|"
        "Är du hemma ikväll?|Mötet är flyttat till fredag|Han bor på Åland"
    ),
    "en": (
        "Your parcel is held, pay £2.99 now|See you at the café at five|The résumé is attached|"
        "Lunch costs £12 today|It’s only 20° outside|He said “call me back”|The fee is €5 – pay soon|"
        "Win £1000 cash prize|Naïve question, sorry|Meet at half past six"
    ),
    "pl": (
        "Twoja paczka czeka, zapłać opłatę|Spotkajmy się w środę o dwunastej|Proszę potwierdzić wizytę|"
        "Dziękuję za szybką odpowiedź|Źródło jest nieznane|Łódź to duże miasto|Czy możesz mnie odebrać?|"
        "Wygrałeś nagrodę, kliknij już teraz|Pieniądze zostały przelane|Będę trochę później niż zwykle"
    ),
    "cs": (
        "Váš balíček čeká, zaplaťte poplatek|Sejdeme se ve středu ve dvanáct|Potvrďte prosím schůzku|"
        "Děkuji za rychlou odpověď|Příliš žluťoučký kůň|Vyhrál jste cenu, klikněte hned|"
        "Peníze byly převedeny|Přijedu o něco později|Kde je nejbližší nádraží?|Účet je uzavřen"
    ),
    "hu": (
        "A csomagja megérkezett, fizesse ki a díjat|Szerdán találkozunk tizenkettőkor|"
        "Köszönöm a gyors választ|Ön nyert, kattintson most|Később érkezem, mint szoktam|"
        "Hol van a legközelebbi állomás?|A számla lejárt, kérjük fizessen|"
        "Kérem erősítse meg az időpontot|Szép napot kívánok|Az ügyfélszolgálat zárva"
    ),
    "ru": (
        "Ваша посылка ждёт, оплатите сбор|Встретимся в среду в двенадцать|Подтвердите пожалуйста визит|"
        "Спасибо за быстрый ответ|Вы выиграли приз, нажмите сейчас|Деньги переведены на счёт|"
        "Я приеду немного позже|Где ближайшая станция?|Счёт просрочен|Хорошего дня"
    ),
    "el": (
        "Το δέμα σας περιμένει, πληρώστε το τέλος|Θα συναντηθούμε την Τετάρτη|Επιβεβαιώστε το ραντεβού|"
        "Ευχαριστώ για τη γρήγορη απάντηση|Κερδίσατε δώρο, πατήστε τώρα|Τα χρήματα μεταφέρθηκαν|"
        "Θα έρθω λίγο αργότερα|Πού είναι ο σταθμός;|Καλή σας μέρα|Ο λογαριασμός έληξε"
    ),
    "tr": (
        "Paketiniz bekliyor, ücreti ödeyin|Çarşamba günü on ikide buluşuyoruz|"
        "Lütfen randevuyu onaylayın|Hızlı cevabınız için teşekkürler|Ödül kazandınız, şimdi tıklayın|"
        "Para hesabınıza aktarıldı|Biraz daha geç geleceğim|En yakın istasyon nerede?|"
        "İyi günler dilerim|Müşteri hizmetleri kapalı"
    ),
    "ja": (
        "お荷物が届いています、料金をお支払いください|水曜日の十二時に会いましょう|"
        "予約を確認してください|早速のご返信ありがとうございます|賞金が当たりました、今すぐクリック|"
        "お金は振り込まれました|少し遅れて到着します|最寄りの駅はどこですか|良い一日を|口座が停止されました"
    ),
    "ko": (
        "택배가 도착했습니다, 요금을 지불하세요|수요일 열두 시에 만나요|예약을 확인해 주세요|"
        "빠른 답변 감사합니다|상금에 당첨되었습니다, 지금 클릭하세요|돈이 송금되었습니다|"
        "조금 늦게 도착합니다|가장 가까운 역이 어디예요|좋은 하루 되세요|계좌가 정지되었습니다"
    ),
    "zh": (
        "您的包裹已到，请支付费用|星期三十二点见面|请确认预约|谢谢您的快速回复|您中奖了，请立即点击|"
        "钱已经转到账户|我会晚一点到|最近的车站在哪里|祝您愉快|您的账户已被冻结"
    ),
    "zt": (
        "您的包裹已到，請支付費用|星期三十二點見面|請確認預約|謝謝您的快速回覆|您中獎了，請立即點擊|"
        "錢已經轉到帳戶|我會晚一點到|最近的車站在哪裡|祝您愉快|您的帳戶已被凍結"
    ),
}
ENGLISH: Final = (
    "see you at noon|call me back later|your account was updated|lunch at one?|the train is late|"
    "meeting moved to friday"
)
ENCODINGS: Final = {
    "cp1252": "de fr es pt it da sv en",
    "latin-1": "de fr es pt it da sv",
    "cp1250": "pl cs hu",
    "cp1251": "ru",
    "koi8-r": "ru",
    "cp1253": "el",
    "cp1254": "tr",
    "shift_jis": "ja",
    "euc_jp": "ja",
    "euc_kr": "ko",
    "gb18030": "zh",
    "big5": "zt",
}
WESTERN: Final = ("cp1252", "latin-1")


def files_of_encodings(n: int, seed: int = 0) -> Iterator[tuple[str, str, bytes]]:
    """Yield the encoding, the text and the bytes of files of 3 to 300 rows; a tenth or more are no English."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        encoding, languages = list(ENCODINGS.items())[number % len(ENCODINGS)]
        language = languages.split()[number // len(ENCODINGS) % len(languages.split())]
        lines, share = LINES[language].split("|"), rng.choice([0.1, 0.3, 1.0])
        text = ""
        while text.isascii():
            rows = [
                rng.choice(lines if rng.random() < share else ENGLISH.split("|"))
                for _ in range(int(rng.choice([3, 5, 10, 30, 100, 300])))
            ]
            text = "message_id,text\n" + "".join(f'{place},"{row}"\n' for place, row in enumerate(rows))
        text = text.replace("€", "EUR") if encoding == "latin-1" else text
        yield encoding, text, text.encode(encoding, "ignore")
