/** What the chat itself says, by the page's language. */

export interface Strings {
  title: string;
  open: string;
  close: string;
  hello: string;
  guest: string;
  signedIn: string;
  placeholder: string;
  send: string;
  conversation: string;
  you: string;
  reply: string;
  typing: string;
  sending: string;
  notSent: string;
  notTaken: string;
  /** The number follows. */
  unread: string;
  left: string;
  over: string;
}

const en: Strings = {
  title: 'Chat',
  open: 'Open chat',
  close: 'Close chat',
  hello: 'Hello! How can we help?',
  guest: "You're chatting as a guest",
  signedIn: 'Signed in',
  placeholder: 'Write a message',
  send: 'Send',
  conversation: 'Conversation',
  you: 'You',
  reply: 'Reply',
  typing: 'A reply is being written',
  sending: 'Sending…',
  notSent: 'Not sent yet',
  notTaken: 'Could not be sent',
  unread: 'Unread messages:',
  left: 'Characters left:',
  over: 'Characters too many:',
};

const de: Strings = {
  title: 'Chat',
  open: 'Chat öffnen',
  close: 'Chat schließen',
  hello: 'Hallo! Wie können wir helfen?',
  guest: 'Sie chatten als Gast',
  signedIn: 'Angemeldet',
  placeholder: 'Nachricht schreiben',
  send: 'Senden',
  conversation: 'Unterhaltung',
  you: 'Sie',
  reply: 'Antwort',
  typing: 'Eine Antwort wird geschrieben',
  sending: 'Wird gesendet…',
  notSent: 'Noch nicht gesendet',
  notTaken: 'Konnte nicht gesendet werden',
  unread: 'Ungelesene Nachrichten:',
  left: 'Zeichen übrig:',
  over: 'Zeichen zu viel:',
};

const fr: Strings = {
  title: 'Chat',
  open: 'Ouvrir le chat',
  close: 'Fermer le chat',
  hello: 'Bonjour ! Comment pouvons-nous vous aider ?',
  guest: 'Vous discutez en tant qu’invité',
  signedIn: 'Connecté',
  placeholder: 'Écrire un message',
  send: 'Envoyer',
  conversation: 'Conversation',
  you: 'Vous',
  reply: 'Réponse',
  typing: 'Une réponse est en cours de rédaction',
  sending: 'Envoi…',
  notSent: 'Pas encore envoyé',
  notTaken: 'Envoi impossible',
  unread: 'Messages non lus :',
  left: 'Caractères restants :',
  over: 'Caractères en trop :',
};

const es: Strings = {
  title: 'Chat',
  open: 'Abrir el chat',
  close: 'Cerrar el chat',
  hello: '¡Hola! ¿En qué podemos ayudarle?',
  guest: 'Está chateando como invitado',
  signedIn: 'Sesión iniciada',
  placeholder: 'Escriba un mensaje',
  send: 'Enviar',
  conversation: 'Conversación',
  you: 'Usted',
  reply: 'Respuesta',
  typing: 'Se está escribiendo una respuesta',
  sending: 'Enviando…',
  notSent: 'Aún no enviado',
  notTaken: 'No se pudo enviar',
  unread: 'Mensajes sin leer:',
  left: 'Caracteres restantes:',
  over: 'Caracteres de más:',
};

const ar: Strings = {
  title: 'الدردشة',
  open: 'فتح الدردشة',
  close: 'إغلاق الدردشة',
  hello: 'مرحبًا! كيف يمكننا مساعدتك؟',
  guest: 'أنت تدردش كضيف',
  signedIn: 'تم تسجيل الدخول',
  placeholder: 'اكتب رسالة',
  send: 'إرسال',
  conversation: 'المحادثة',
  you: 'أنت',
  reply: 'الرد',
  typing: 'تجري كتابة رد',
  sending: 'جارٍ الإرسال…',
  notSent: 'لم تُرسل بعد',
  notTaken: 'تعذّر الإرسال',
  unread: 'رسائل غير مقروءة:',
  left: 'الأحرف المتبقية:',
  over: 'الأحرف الزائدة:',
};

const he: Strings = {
  title: 'צ׳אט',
  open: 'פתיחת הצ׳אט',
  close: 'סגירת הצ׳אט',
  hello: 'שלום! איך אפשר לעזור?',
  guest: 'השיחה היא כאורח',
  signedIn: 'מחובר',
  placeholder: 'כתיבת הודעה',
  send: 'שליחה',
  conversation: 'השיחה',
  you: 'את/ה',
  reply: 'תשובה',
  typing: 'נכתבת תשובה',
  sending: 'בשליחה…',
  notSent: 'עדיין לא נשלח',
  notTaken: 'השליחה נכשלה',
  unread: 'הודעות שלא נקראו:',
  left: 'תווים שנותרו:',
  over: 'תווים מיותרים:',
};

const ALL: Record<string, Strings> = { en, de, fr, es, ar, he, iw: he };

/** The language that is spoken, and its words; English for those that are not here. */
export function stringsFor(pageLanguage: string): { lang: string; strings: Strings } {
  const lang = pageLanguage.toLowerCase().split(/[-_]/)[0] ?? '';
  const strings = ALL[lang];
  return strings ? { lang, strings } : { lang: 'en', strings: en };
}
